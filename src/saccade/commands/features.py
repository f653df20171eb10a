"""``saccade data features``: compute or convert features of all images once, for captioning."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from saccade.config.load import load
from saccade.console import progress_bar, say
from saccade.data.archives import size_text
from saccade.data.feature_files import BOXES, INDEX, FeatureFile
from saccade.data.wording import counted, refuse
from saccade.engine.resolve import with_split_names
from saccade.engine.stored_features import ensure_features, feature_listings, folder_of
from saccade.errors import DataError, StoppedError


@dataclass(frozen=True)
class Written:
    """The files that are there at the end."""

    stores: tuple[FeatureFile, ...]  # one a split
    seconds: float
    new: bool  # whether anything was computed or converted

    def told(self) -> str:
        """One line: files, shape of an image's features, bytes, seconds."""
        files = ", ".join(str(store.path) for store in self.stores)
        images = counted(sum(len(store.names) for store in self.stores), "image")
        shapes = sorted({" x ".join(map(str, store.array.shape[1:])) for store in self.stores})
        size = size_text(sum(map(_bytes, self.stores)))
        how = f"{self.seconds:.1f} s" if self.new else "all there already"
        return f"{files}: {images}, {' and '.join(shapes)} float16 of each, {size}, {how}"


def data_features(source: str | Path, overrides: Sequence[str] = ()) -> Written:
    """Write a file of features for every split that a caption config names; goes on where it was stopped.

    Raises:
        ConfigError: the config does not hold, or no features can be made by it.
        CheckpointError: the network's weights could not be had, or do not fit.
        DataError: an image that cannot be read, images without features in the source, files made in another way.
        StoppedError: Ctrl-C; what was done is kept.
    """
    config = load(source, overrides)
    folder = folder_of(config)
    config = with_split_names(config, say)
    listings = feature_listings(config, say)
    start = time.perf_counter()
    new = any(not (folder / f"{split}{INDEX}").is_file() for split in listings)
    try:
        paths = [ensure_features(config, split, listing, say) for split, listing in listings.items()]
    except KeyboardInterrupt:
        raise StoppedError("stopped; the same command goes on after the images that are done") from None
    return Written(tuple(map(FeatureFile, paths)), time.perf_counter() - start, new)


def verify_features(source: str | Path, overrides: Sequence[str] = ()) -> tuple[Path, ...]:
    """Compare the checksums of all files of features in the config's folder with those of their indices.

    Returns:
        The files, all of which are as they were written.

    Raises:
        ConfigError: the config does not hold, or names no folder.
        DataError: there are none, or some are not as they were written; each is named.
    """
    folder = folder_of(load(source, overrides))
    paths = sorted(path for path in folder.glob("*.npy") if not path.name.endswith(BOXES))
    if not paths:
        raise DataError(f"{folder}: no features in it; `saccade data features CONFIG` makes them")
    problems = []
    with progress_bar() as bar:
        for path in bar.track(paths, description="reading files"):
            try:
                FeatureFile(path).verify()
            except DataError as error:
                problems.append(str(error))
    refuse(problems)
    return tuple(paths)


def _bytes(store: FeatureFile) -> int:
    return sum(path.stat().st_size for path in (store.path, store.path.with_suffix(BOXES)) if path.is_file())
