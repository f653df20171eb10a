"""``saccade explain``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.arguments import AsJson, Checkpoint, RunFolder, open_run, print_table, say_loading
from saccade.console import say
from saccade.explain.options import Fill, Method, Options

Paths = Annotated[list[str] | None, typer.Argument(metavar="[IMAGES...]", help="Files, folders, patterns, KEY=VALUE.")]
Layers = Annotated[list[str] | None, typer.Option(metavar="NAME", help="A dotted name; may be given several times.")]


def explain(  # noqa: PLR0913  # an argument an option
    run: RunFolder,
    paths: Paths = None,
    method: Annotated[Method, typer.Option(help="What is shown.")] = "gradcam",
    target: Annotated[str | None, typer.Option(metavar="CLASS", help="A class, or a word of the caption.")] = None,
    layer: Layers = None,
    patch: Annotated[int | None, typer.Option(help="occlusion: side of the patch, in pixels.")] = None,
    stride: Annotated[int | None, typer.Option(help="occlusion: pixels from one place to the next.")] = None,
    fill: Annotated[Fill | None, typer.Option(help="Colour of the patch, or of the baseline.")] = None,
    margin: Annotated[float | None, typer.Option(help="confused-logits: how near two probabilities lie.")] = None,
    top: Annotated[int | None, typer.Option(help="filters, features: show so many of a layer.")] = None,
    colours: Annotated[str | None, typer.Option(metavar="MAP", help="gray, or another of matplotlib's maps.")] = None,
    checkpoint: Checkpoint = "best",
    as_json: AsJson = False,
) -> None:
    """Look into a run's network: what its answer rests on, what it has learned. Exit code 3: not of every image."""
    open_run(run)
    say_loading(f"explaining {run} by {method}")
    from saccade.commands.explain import explain as command
    from saccade.commands.explain import explained_table

    overrides = [p for p in paths or [] if "=" in p and not Path(p).exists()]
    found = command(
        run,
        [p for p in paths or [] if p not in overrides],
        *overrides,
        method=method,
        target=target,
        layers=layer or (),
        checkpoint=checkpoint,
        options=Options(patch=patch, stride=stride, fill=fill, margin=margin, top=top, colours=colours),
    )
    if as_json:
        print(json.dumps({"folder": str(found.folder), **found.about}, indent=2, ensure_ascii=False))
    else:
        print_table(explained_table(found))
        print(found.folder)
    if found.failures:
        say(f"{len(found.failures)} of {len(found.failures) + len(found.images)} images could not be explained")
        raise typer.Exit(3)
