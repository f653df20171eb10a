"""``saccade predict``: a run's answers for image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from saccade.commands.opening import config_of
from saccade.console import progress_bar
from saccade.data.images import read_rgb
from saccade.data.loose import find_images
from saccade.draw.words import lettered
from saccade.engine import ensemble, predicting
from saccade.engine.evaluation import checkpoint_path, with_mask_paths
from saccade.errors import ConfigError
from saccade.files import written_aside
from saccade.runs import Run


@dataclass(frozen=True)
class Answers:
    """What ``predict`` found."""

    table: pl.DataFrame  # image, the answer, scores in the order of classes; of captions where each word looked
    classes: tuple[str, ...]
    file: Path  # the table as Parquet
    failures: list[tuple[str, str]]  # files that could not be read, with the reason


def predict(
    run: Run | str | Path,
    paths: Sequence[str],
    *overrides: str,
    checkpoint: str | Path = "best",
    output: Path | None = None,
) -> Answers:
    """Answer files, folders and glob patterns; what cannot be read is reported and the rest is done.

    A cross-validated run answers by the average of its folds' probabilities.

    Args:
        run: a run folder.
        paths: files, folders (searched to the bottom), and patterns.
        overrides: ``key=value`` of loader and trainer.
        checkpoint: best, last, or a path.
        output: where the Parquet goes; None takes ``predictions/<number>.parquet`` in the run folder.

    Raises:
        SaccadeError: a mistake in run folder or overrides, or a path that names nothing.
    """
    if output is not None and output.suffix != ".parquet":
        raise ConfigError(f"--output: {output} does not end in .parquet, and the table is written as Parquet")
    opened = run if isinstance(run, Run) else Run.open(run)
    config = config_of(opened, overrides)
    files = find_images(paths)
    if config.data.cross_validates:
        table, failures = ensemble.predict(opened, config, files, checkpoint=str(checkpoint))
    else:
        path = checkpoint_path(opened, str(checkpoint))
        table, failures = predicting.predict(opened, config, files, checkpoint=path)
    target = output or opened.new_prediction_file()
    table, masks = with_mask_paths(
        table, [f"{target.stem}/{i:05d}-{Path(n).stem}.png" for i, n in enumerate(table["image"])]
    )
    if "quads_xy" in table.columns:
        table = _with_pictures(table, target)
    _write(target, table, masks)
    return Answers(table, config.data.classes or (), target, failures)


def _with_pictures(table: pl.DataFrame, target: Path) -> pl.DataFrame:
    """The table with the path of a picture of each image that shows its words, which is written."""
    names = [f"{target.stem}/{i:05d}-{Path(n).stem}.jpg" for i, n in enumerate(table["image"])]
    with progress_bar() as bar:
        for name, (image, quads, texts) in bar.track(
            zip(names, table.select("image", "quads_xy", "texts").iter_rows(), strict=True),
            total=len(names),
            description="drawing",
        ):
            picture = lettered(np.asarray(read_rgb(Path(image))), np.array(quads).reshape(-1, 4, 2), texts)
            with written_aside(target.parent / name) as aside:
                Image.fromarray(picture).save(aside, "JPEG", quality=90)
    return table.with_columns(pl.Series("picture", names, dtype=pl.String))


def _write(target: Path, table: pl.DataFrame, masks: Mapping[str, bytes]) -> None:
    for name, png in masks.items():
        with written_aside(target.parent / name) as aside:
            aside.write_bytes(png)
    with written_aside(target) as aside:
        table.write_parquet(aside)
