"""Opening a run folder for the commands that take one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from saccade.config.load import load, with_overrides
from saccade.config.schema import Config
from saccade.config.task_sections import FINDING
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
    "data.images",
    "data.captions",
    "data.features.path",
    "data.features.pretrained",
    "data.features.weights",
    "task.score_size",
    "task.window",
    "task.flip",
    "task.beam",
    "task.length_penalty",
    "task.length_alpha",
    "task.max_length",
    "task.block_repeats",
    "task.block_ngrams",
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

    A run folder that was moved no longer finds its data by their relative path; then the places noted in
    ``environment.json`` are taken.

    Raises:
        ConfigError: an override that does not hold or may not be changed.
    """
    config = load(run.config_file)
    noted = run.environment()["data"] if run.environment_file.is_file() else {}
    features = config.data.features
    features = features.model_copy(update={"path": _found(features.path, noted.get("features"))})
    places = {"root": _found(config.data.root, noted.get("root")), "features": features}
    config = config.model_copy(update={"data": config.data.model_copy(update=places)})
    if config.task.name == "spot" and set(CHANGEABLE) <= set(changeable):
        changeable = (*changeable, *(f"task.{key}" for key in FINDING), "data.longer_side")
    return with_overrides(config, list(overrides), changeable) if overrides else config


def _found(path: Path | None, noted: str | None) -> Path | None:
    """The path, or where nothing is there any more the folder that was noted."""
    lost = path is not None and not path.exists() and noted is not None and Path(noted).is_dir()
    return Path(str(noted)) if lost else path
