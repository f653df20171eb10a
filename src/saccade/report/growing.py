"""Curves that grow while a run trains."""

from __future__ import annotations

import time
from collections.abc import Callable

from saccade.runs import Run

SECONDS = 10.0
SHARE = 0.03
"""Drawing takes at most about this share of the time."""


def growing_curves(run: Run, task: str) -> Callable[[], None]:
    """What to call after each epoch: draws ``figures/curves.svg`` and ``.png`` anew, at most every ``SECONDS``."""
    due = time.perf_counter() + SECONDS

    def draw() -> None:
        nonlocal due
        started = time.perf_counter()
        if started < due:
            return
        from saccade.report.training_plots import training_plots  # matplotlib takes a second to import

        training_plots(run.epochs(), run.environment(), task, run.figures)
        now = time.perf_counter()
        due = now + max(SECONDS, (now - started) / SHARE)

    return draw
