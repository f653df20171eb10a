"""What the pixels and sizes of many images are like."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.data.images import read_rgb, upright_size
from saccade.data.parallel import Progress, in_threads
from saccade.errors import DataError

RGB = tuple[float, float, float]


def channel_statistics(
    paths: Iterable[Path], *, size: tuple[int, int] | None = None, progress: Progress | None = None
) -> tuple[RGB, RGB]:
    """Mean and standard deviation (of the population) of red, green and blue, as values in [0, 1].

    Pooled over pixels: all pixels of all images count alike, so a large image counts for more. With ``size``
    each image is first resized to that height and width, bilinear with antialiasing, and all images count alike.

    Raises:
        DataError: an image cannot be read, there is none, or a channel has one value everywhere.
    """
    # 8-bit values are counted, not summed: exact, and the order of the images makes no difference.
    histogram = np.zeros((3, 256), dtype=np.int64)
    for counted in in_threads(partial(_histogram, size=size), paths, progress=progress):
        histogram += counted
    if not histogram.any():
        raise DataError("mean and standard deviation were asked for, and there is no image to measure")
    values = np.arange(256) / 255
    share = histogram / histogram.sum(axis=1, keepdims=True)
    mean = share @ values
    std = np.sqrt((share * (values - mean[:, None]) ** 2).sum(axis=1))
    if (histogram > 0).sum(axis=1).min() == 1:
        raise DataError(
            f"the standard deviation of red, green and blue is {std.round(4).tolist()}: a channel with one "
            "value everywhere cannot be normalised; set data.normalize to imagenet, or give a mean and std"
        )
    return _rgb(mean), _rgb(std)


def image_sizes(paths: Iterable[Path], *, progress: Progress | None = None) -> NDArray[np.int64]:
    """(N, 2) width and height of each image in pixels, turned upright; only the heads of the files are read.

    Raises:
        DataError: a file is missing or is not an image.
    """
    sizes = list(in_threads(upright_size, paths, progress=progress))
    return np.array(sizes, dtype=np.int64).reshape(-1, 2)


def _histogram(path: Path, *, size: tuple[int, int] | None) -> NDArray[np.int64]:
    """(3, 256) how often each value of each channel occurs."""
    image = read_rgb(path)
    if size is not None:
        image = image.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.array(image.histogram(), dtype=np.int64).reshape(3, 256)


def _rgb(values: NDArray[np.float64]) -> RGB:
    """Three plain numbers."""
    red, green, blue = values.tolist()
    return red, green, blue
