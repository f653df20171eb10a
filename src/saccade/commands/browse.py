"""``saccade browse``: the local web page over a run's predictions."""

from __future__ import annotations

from pathlib import Path

from saccade.browse.app import create_app
from saccade.browse.serve import serve
from saccade.commands.opening import image_root
from saccade.console import say
from saccade.runs import Run


def browse(
    run: Run | str | Path,
    *overrides: str,
    split: str | None = None,
    port: int = 8000,
    open_browser: bool = True,
) -> None:
    """Serve the page on this machine until Ctrl-C.

    Raises:
        SaccadeError: not a run folder, or nothing in it was scored.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    root = image_root(opened, overrides)
    app = create_app(opened, evaluation=split, data_root=root)
    serve(app, port=port, open_browser=open_browser, announce=lambda url: say(f"{opened.path}: {url} (Ctrl-C ends it)"))
