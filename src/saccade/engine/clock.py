"""Training by the clock."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import Callback

STEPS = 1000
"""Steps of the schedule of a training by the clock; each is a thousandth of its time."""


class Clock(Callback):
    """Stops a training when its time is used up, and says what share of it is.

    The time that scoring the split takes is put aside for the last scoring, so that the whole ends in time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._before = 0.0  # used by the run before it was resumed
        self._started = perf_counter()
        self._scoring_started = 0.0
        self._scoring = 0.0

    @property
    def used(self) -> float:
        """Seconds of training so far, also of what went before a resume."""
        return self._before + perf_counter() - self._started

    @property
    def progress(self) -> float:
        """Share of the time that is used, in [0, 1]."""
        return min(1.0, self.used / max(self.seconds - self._scoring, 1e-9))

    def state_dict(self) -> dict[str, Any]:
        """The time used."""
        return {"used": self.used, "scoring": self._scoring}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where the checkpoint was."""
        self._before, self._scoring = state_dict["used"], state_dict["scoring"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start; a run whose time is used up stays stopped."""
        self._started = perf_counter()
        trainer.should_stop = trainer.should_stop or self.progress >= 1.0

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        """Stop when time is up; all processes at the same batch."""
        trainer.should_stop = trainer.should_stop or trainer.strategy.reduce_boolean_decision(
            self.progress >= 1.0, all=False
        )

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note when scoring began."""
        self._scoring_started = perf_counter()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note how long it took."""
        self._scoring = perf_counter() - self._scoring_started
