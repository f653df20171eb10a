"""What the commands share: their arguments, reading a config before torch is loaded, printing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from saccade import __version__
from saccade.console import say
from saccade.errors import ConfigError

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CONFIG] [KEY=VALUE]...", help="A preset or config file, then settings laid over it."),
]
ConfigFile = Annotated[Path | None, typer.Option("-c", "--config", metavar="FILE", help="The config file.")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of data, loader, trainer.")
]
Checkpoint = Annotated[str, typer.Option(help="best, last, or a path.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def source_of(words: list[str], config: Path | None, command: str) -> tuple[str, list[str]]:
    """The preset or config file of a command line, and what is laid over it."""
    if config is not None:
        return str(config), words
    if not words or "=" in words[0]:
        raise ConfigError(
            f"saccade {command}: name a preset or a config file first, such as `saccade {command} scenes-multilabel`; "
            "`saccade presets` lists the presets"
        )
    return words[0], words[1:]


def load_config(source: str, overrides: list[str]):  # type: ignore[no-untyped-def]  # its type would import pydantic for --help
    """The config; its mistakes are told at once."""
    from saccade.config.load import load

    return load(source, overrides)


def load_and_look(source: str, overrides: list[str]) -> None:
    """Tell mistakes in the config, and a data set that is not there, before torch is loaded."""
    from saccade.config.load import look_for_data

    look_for_data(load_config(source, overrides))


def open_run(run: Path) -> None:
    """Tell that a folder is no run before torch is loaded."""
    from saccade.runs import Run

    Run.open(run)


def refuse(wrong: bool, message: str) -> None:
    """Tell a mistake in the arguments."""
    if wrong:
        raise ConfigError(message)


def say_loading(what: str) -> None:
    """Say what is going to be done, before what takes time is imported."""
    say(f"saccade {__version__}: {what} (loading torch and Lightning takes some seconds)")


def print_table(table: object) -> None:
    """Print one of rich's tables on stdout; into a file or a pipe as wide as it is."""
    from rich.console import Console

    terminal = Console()
    (terminal if terminal.is_terminal else Console(width=1000)).print(table)
