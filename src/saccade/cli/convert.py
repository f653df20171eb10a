"""``saccade convert``."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from saccade.cli.arguments import AsJson, Checkpoint, Overrides, RunFolder, open_run, print_table, say_loading
from saccade.console import say


def convert(
    run: RunFolder,
    to: Annotated[
        Literal["weight-standardized", "folded"],
        typer.Option(help="Divide filters by their deviation; or make each BatchNorm part of its convolution."),
    ],
    overrides: Overrides = None,
    compensate: Annotated[
        Literal["statistics", "affine"] | None,
        typer.Option(help="What changes in each BatchNorm instead; statistics unless said otherwise."),
    ] = None,
    checkpoint: Checkpoint = "best",
    as_json: AsJson = False,
) -> None:
    """Make a new run of a run, with a network that computes the same in another way; prints how far apart they are."""
    open_run(run)
    say_loading(f"converting {run}")
    from saccade.commands.convert import as_document, next_step
    from saccade.commands.convert import convert as command
    from saccade.commands.tables import surgery_tables

    found = command(run, *(overrides or []), to=to, compensate=compensate, checkpoint=checkpoint)
    if as_json:
        print(json.dumps(as_document(found), indent=2))
        return
    for table in surgery_tables(found.surgery):
        print_table(table)
    say(next_step(found))
    print(found.run.path)
