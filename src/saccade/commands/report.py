"""``saccade report``: the run folder as one HTML file."""

from __future__ import annotations

from pathlib import Path

from saccade.commands.opening import image_root
from saccade.report.write import write_report
from saccade.runs import Run


def report(run: Run | str | Path, *overrides: str) -> Path:
    """Write ``report.html`` into the run folder and return its path.

    Raises:
        SaccadeError: not a run folder, or its files are damaged.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    root = image_root(opened, overrides)
    return write_report(opened, data_root=root)
