"""Opening a run folder for the commands that take one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from saccade.config.load import load, with_overrides
from saccade.config.schema import Config
from saccade.runs import Run

CHANGEABLE = (
    "data.root",
    "data.format",
    "data.train",
    "data.val",
    "data.test",
    "data.class_names",
    "data.table",
    "data.path_column",
    "data.label_columns",
    "data.delimiter",
    "data.split_column",
    "task.score_size",
    "task.window",
    "task.flip",
    "loader",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.precision",
    "trainer.deterministic",
)
"""What may differ from the run's own config when a run is scored: where the data are, and on what it computes."""


def image_root(run: Run, overrides: Sequence[str]) -> Path | None:
    """Where the images are to be looked for, if not where they were when they were scored.

    Raises:
        ConfigError: an override that does not hold or may not be changed.
    """
    config = config_of(run, overrides, changeable=("data.root",))
    scored = [Path(evaluation.about()["data_root"]) for evaluation in run.evaluations()]
    moved = bool(scored) and not any(root.is_dir() for root in scored) and config.data.root.is_dir()
    return config.data.root if overrides or moved else None


def config_of(run: Run, overrides: Sequence[str] = (), *, changeable: Sequence[str] = CHANGEABLE) -> Config:
    """The run's config with ``key=value`` laid over it.

    A run folder that was moved no longer finds its data by their relative path; then the place noted in
    ``environment.json`` is taken.

    Raises:
        ConfigError: an override that does not hold or may not be changed.
    """
    config = load(run.config_file)
    if not config.data.root.exists() and run.environment_file.is_file():
        noted = Path(run.environment()["data"]["root"])
        if noted.is_dir():
            config = config.model_copy(update={"data": config.data.model_copy(update={"root": noted})})
    return with_overrides(config, list(overrides), changeable) if overrides else config
