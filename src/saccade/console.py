"""The one place where messages to the user come out: stderr, so that stdout stays for results."""

from __future__ import annotations

import os

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""Rich console on stderr."""


def is_main_process() -> bool:
    """Whether this process speaks and writes: the only one, or the first of those that train together."""
    return int(os.environ.get("LOCAL_RANK", 0)) == 0


def say(text: str) -> None:
    """One message to the user, from the main process; square brackets in it are plain text."""
    if is_main_process():
        console.print(text, markup=False)


def progress_bar(*, in_bytes: bool = False) -> Progress:
    """A progress bar on stderr that goes away when it is done; nothing is drawn where stderr is not a terminal."""
    amount = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *amount,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (console.is_terminal and is_main_process()),
    )
