"""The command line: thin. Each command says what it is doing before it imports what takes time.

`--help`, `presets` and `config` never import torch.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from saccade import __version__
from saccade.cli import config, convert, data, explain, score
from saccade.cli.arguments import (
    AsJson,
    Checkpoint,
    ConfigFile,
    Overrides,
    RunFolder,
    Words,
    load_and_look,
    load_config,
    open_run,
    print_table,
    refuse,
    say_loading,
    source_of,
)
from saccade.console import console, is_main_process, say
from saccade.errors import ConfigError, SaccadeError, StoppedError

app = typer.Typer(
    name="saccade",
    help="One config and one command train, measure, and let you look at a vision model.",
    epilog="Start with: saccade train scenes-multilabel",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(config.app, name="config")
app.add_typer(data.app, name="data")
app.add_typer(score.app, name="score")
app.command("convert", epilog="Example: saccade convert runs/voc-multilabel/001 --to folded")(convert.convert)
app.command("explain", epilog="Example: saccade explain runs/folder-classify/001 holiday/ --method occlusion")(
    explain.explain
)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: saccade train folder-classify data.root=photos trainer.max_epochs=20")
def train(
    words: Words = None,
    config: ConfigFile = None,
    runs: Annotated[Path, typer.Option(help="Folder in which the run folder is made.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run instead of the config's.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with this run folder, or from one of its epoch-NNN.ckpt.")
    ] = None,
) -> None:
    """Train a model, score its best checkpoint, write the report; prints the run folder."""
    given = list(words or [])
    if resume is not None:
        refuse(
            config is not None or any("=" not in word for word in given),
            "--resume goes on with the config of the run: give RUN, and KEY=VALUE alone",
        )
        refuse(
            name is not None or runs != Path("runs"), "--resume stays in its run folder: leave out --name and --runs"
        )
        say_loading(f"resuming {resume}")
        from saccade.commands.resume import resume as go_on

        run = go_on(resume, given)
    else:
        source, overrides = source_of(given, config, "train")
        load_and_look(source, overrides)
        say_loading(f"training {source}")
        from saccade.commands import train as command

        run = command.train(source, overrides, runs=runs, name=name)
    if is_main_process():
        print(run.path)


@app.command(epilog="Example: saccade find-lr folder-classify data.root=photos")
def find_lr(
    words: Words = None,
    config: ConfigFile = None,
    runs: Annotated[Path, typer.Option(help="Folder in which the curve is written.")] = Path("runs"),
) -> None:
    """Try rising learning rates for a hundred batches, draw the curve, suggest a rate; keeps no weights."""
    source, overrides = source_of(list(words or []), config, "find-lr")
    load_and_look(source, overrides)
    say_loading("trying learning rates")
    from saccade.commands.find_lr import find_lr as command

    found = command(source, overrides, runs=runs)
    say(f"curve: {found.figure}")
    print(f"optim.lr={found.rate:.2g}")


@app.command(epilog="Example: saccade evaluate runs/folder-classify/001 --split test data.root=other-photos")
def evaluate(
    run: RunFolder,
    overrides: Overrides = None,
    split: Annotated[str, typer.Option(help="train, holdout, val, test, or a split on disk.")] = "val",
    checkpoint: Checkpoint = "best",
    as_json: AsJson = False,
) -> None:
    """Score a split with a run's checkpoint, on the run's data or another tree of the same classes."""
    open_run(run)
    say_loading(f"evaluating {run}")
    from saccade.commands.evaluate import evaluate as command
    from saccade.commands.tables import metrics_table

    evaluation = command(run, *(overrides or []), split=split, checkpoint=checkpoint)
    if not is_main_process():
        return
    if as_json:
        print(json.dumps(evaluation.metrics(), indent=2, ensure_ascii=False))
    else:
        print_table(metrics_table(evaluation.metrics(), evaluation.about()))
        print(evaluation.path)


@app.command(epilog="Example: saccade predict runs/folder-classify/001 holiday/ 'more/*.jpg'")
def predict(
    run: RunFolder,
    paths: Annotated[list[str], typer.Argument(metavar="PATHS...", help="Files, folders, patterns, KEY=VALUE.")],
    checkpoint: Checkpoint = "best",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where the Parquet goes.")] = None,
) -> None:
    """Answer image files: a table, and a Parquet with all scores. Exit code 3 where some could not be read."""
    open_run(run)
    say_loading(f"predicting with {run}")
    from saccade.commands.predict import predict as command
    from saccade.commands.tables import answers_table

    overrides = [p for p in paths if "=" in p and not Path(p).exists()]
    answers = command(run, [p for p in paths if p not in overrides], *overrides, checkpoint=checkpoint, output=output)
    print_table(answers_table(answers))
    for _, reason in answers.failures:
        say(f"not read: {reason}")
    if "mask" in answers.table.columns and answers.table.height:
        say(f"masks: {answers.file.with_suffix('')}")
    print(answers.file)
    if answers.failures:
        say(f"{len(answers.failures)} of {len(answers.failures) + answers.table.height} files could not be read")
        raise typer.Exit(3)


@app.command(epilog="Example: saccade browse runs/folder-classify/001")
def browse(
    run: RunFolder,
    overrides: Overrides = None,
    split: Annotated[str | None, typer.Option(help="The evaluation to open first.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The next free one is taken.")] = 8000,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the web browser.")] = False,
) -> None:
    """Look at a run's ranked predictions in the web browser; served on this machine only."""
    from saccade.commands.browse import browse as command

    command(run, *(overrides or []), split=split, port=port, open_browser=not no_open)


@app.command(epilog="Example: saccade report runs/folder-classify/001")
def report(run: RunFolder, overrides: Overrides = None) -> None:
    """Write a run's report, one HTML file; prints its path."""
    from saccade.commands.report import report as command

    print(command(run, *(overrides or [])))


@app.command(epilog="Example: saccade summary folder-classify model.name=resnet50 --classes 10 --depth 2")
def summary(
    words: Words = None,
    config: ConfigFile = None,
    classes: Annotated[
        int | None, typer.Option(min=1, help="How many (of captions: words), where the data set is not at hand.")
    ] = None,
    depth: Annotated[int | None, typer.Option(min=1, help="Sum up layers below so many levels.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also blocks like the one before, and idle layers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a config's network layer by layer: shapes, units, parameters, multiply-adds, receptive fields."""
    source, overrides = source_of(list(words or []), config, "summary")
    load_config(source, overrides)
    say_loading(f"summing up {source}")
    from saccade.commands.layers import LayersTable, totals
    from saccade.commands.summary import as_document
    from saccade.commands.summary import summary as command

    found = command(source, *overrides, classes=classes)
    if as_json:
        print(json.dumps(as_document(found), indent=2, ensure_ascii=False))
        return
    print_table(LayersTable(found, depth, every))
    print()
    for line in totals(found):
        print(line)


@app.command(epilog="Example: saccade presets voc-multilabel > my.yaml")
def presets(
    name: Annotated[str | None, typer.Argument(help="Print this preset's YAML.")] = None,
) -> None:
    """List the presets, or print one with its comments."""
    from saccade.config.sources import preset_names, preset_summary, preset_text

    if name is not None:
        print(preset_text(name), end="")
        return
    names = preset_names()
    for each in names:
        print(f"{each:<{max(map(len, names))}}  {preset_summary(each)}")


def main() -> None:
    """Run the command line; a user's mistake is one message and exit code 2; Ctrl-C and SIGTERM are exit code 130."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        _refuse_dashes(sys.argv[1:])
        app()
    except SaccadeError as error:
        if error.exit_code != StoppedError.exit_code:
            console.print("error:", style="bold red", end=" ")
        say(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        # a full disk, a folder that cannot be written: the file and the system's own word for it say it all
        say(f"error: {error.filename or 'a file'}: {error.strerror or error}")
        sys.exit(SaccadeError.exit_code)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)


def _stop(*_: object) -> None:
    """As Ctrl-C does; `kill` and schedulers of jobs say SIGTERM, often to reading processes too."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # PyTorch would complain that they have ended
    raise KeyboardInterrupt


def _refuse_dashes(words: list[str]) -> None:
    """``--data.root=x``, as many other programs have it."""
    for word in words:
        if re.fullmatch(r"--\w+(\.\w+)+(=.*)?", word):
            key, equals, value = word.lstrip("-").partition("=")
            raise ConfigError(f"{word}: settings are written without dashes: {key}={value if equals else 'VALUE'}")
