"""The commands as Python functions of the same names; ``import saccade`` finds them here when they are first used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from saccade import config as _config
from saccade import runs
from saccade.commands import browse as _browse
from saccade.commands import convert as _convert
from saccade.commands import data as _data
from saccade.commands import evaluate as _evaluate
from saccade.commands import explain as _explain
from saccade.commands import features as _features
from saccade.commands import fetch as _fetch
from saccade.commands import find_lr as _find_lr
from saccade.commands import predict as _predict
from saccade.commands import prepare as _prepare
from saccade.commands import report as _report
from saccade.commands import resume as _resume
from saccade.commands import score as _score
from saccade.commands import score_spotting as _score_spotting
from saccade.commands import summary as _summary
from saccade.commands import train as _train
from saccade.commands.data import DataStatistics
from saccade.commands.find_lr import FoundRate
from saccade.config.schema import Config
from saccade.data.check import Report
from saccade.errors import SaccadeError

__all__ = [
    "Config",
    "Run",
    "SaccadeError",
    "browse",
    "convert",
    "data_check",
    "data_features",
    "data_fetch",
    "data_prepare",
    "data_stats",
    "evaluate",
    "explain",
    "find_lr",
    "load",
    "predict",
    "presets",
    "report",
    "score_captions",
    "score_spotting",
    "summary",
    "train",
]

evaluate = _evaluate.evaluate
predict = _predict.predict
convert = _convert.convert
explain = _explain.explain
browse = _browse.browse
report = _report.report
summary = _summary.summary
score_captions = _score.score_captions
score_spotting = _score_spotting.score_spotting
presets = _config.preset_names


def load(source: str | Path, *overrides: str) -> Config:
    """Read a preset or config file with ``key=value`` laid over it, and check it; see ``saccade config check``."""
    return _config.load(source, overrides)


def data_check(source: str | Path, *overrides: str) -> Report:
    """Look at every file of a config's data set; see ``saccade data check``."""
    return _data.data_check(source, overrides)


def data_stats(source: str | Path, *overrides: str) -> DataStatistics:
    """Measure a config's data set; see ``saccade data stats``."""
    return _data.data_stats(source, overrides)


def data_features(source: str | Path, *overrides: str) -> _features.Written:
    """Compute or convert features of a caption config's images; see ``saccade data features``."""
    return _features.data_features(source, overrides)


def data_prepare(source: str | Path, target: str | Path) -> None:
    """Unpack ImageNet's official tar files in ``source`` below ``target``; see ``saccade data prepare imagenet``."""
    _prepare.prepare_imagenet(Path(source), Path(target))


def data_fetch(name: Literal["voc2012", "voc2007"], root: str | Path) -> Path:
    """Download Pascal VOC below ``root`` and return the folder to train on; see ``saccade data fetch``."""
    return _fetch.fetch_voc(name, Path(root))


def find_lr(source: str | Path, *overrides: str, runs: str | Path = "runs") -> FoundRate:
    """Try rising learning rates and suggest one; see ``saccade find-lr``."""
    return _find_lr.find_lr(source, overrides, runs=Path(runs))


class Run(runs.Run):
    """A run folder with the commands that take one as methods."""

    def evaluate(self, *overrides: str, split: str = "val", checkpoint: str | Path = "best") -> runs.Evaluation:
        """Score a split; see ``saccade.evaluate``."""
        return evaluate(self, *overrides, split=split, checkpoint=checkpoint)

    def predictions(self, evaluation: str = "val") -> pl.DataFrame:
        """``predictions.parquet`` of an evaluation, one row an image."""
        return self.evaluation(evaluation).predictions()

    def predict(self, paths: Sequence[str], *overrides: str, checkpoint: str | Path = "best") -> _predict.Answers:
        """Answer image files; see ``saccade.predict``."""
        return predict(self, paths, *overrides, checkpoint=checkpoint)

    def report(self) -> Path:
        """Write ``report.html``; see ``saccade.report``."""
        return report(self)

    def browse(self, *, port: int = 8000, open_browser: bool = True) -> None:
        """Serve the page; see ``saccade.browse``."""
        browse(self, port=port, open_browser=open_browser)


def train(
    source: str | Path | None = None,
    *overrides: str,
    runs: str | Path = "runs",
    name: str | None = None,
    resume: str | Path | None = None,
) -> Run:
    """Train a preset or config file, or go on with a run.

    >>> run = saccade.train("folder-classify", "data.root=photos")  # doctest: +SKIP
    >>> run.predictions().sort("loss", descending=True).head()  # doctest: +SKIP

    Args:
        source: a preset, or the path of a config; not with ``resume``.
        overrides: ``key=value``.
        runs: folder in which the run folder is made.
        name: name of the run instead of the config's.
        resume: a run folder to go on with, or one of its ``checkpoints/epoch-NNN.ckpt``.

    Raises:
        SaccadeError: a mistake in config or data, a full disk, a run folder in use.
    """
    if resume is not None:
        return Run(_resume.resume(resume, [*([str(source)] if source else []), *overrides]).path)
    if source is None:
        raise SaccadeError("train: name a preset or a config file, or a run folder with resume=")
    return Run(_train.train(source, overrides, runs=Path(runs), name=name).path)
