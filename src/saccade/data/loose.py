"""Image files that belong to no data set, as ``saccade predict`` gets them."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from saccade.data.dataset import stacked
from saccade.data.images import SUFFIXES, read_rgb
from saccade.data.paths import PathList
from saccade.data.transforms import Transform
from saccade.errors import DataError


@dataclass(frozen=True)
class LooseBatch:
    """The images of a batch that could be read, and why the others could not."""

    index: tuple[int, ...]  # positions in the list of files of those in ``image``
    image: Tensor  # (B, 3, H, W) float32, normalised; (0, 3, 0, 0) where none could be read
    size: Tensor  # (B, 2) int64, height and width of each file in pixels
    failures: tuple[tuple[int, str], ...]  # position and reason

    def to(self, device: torch.device, *, non_blocking: bool = False) -> LooseBatch:
        """The same batch on a device; called by Lightning."""
        return LooseBatch(self.index, self.image.to(device, non_blocking=non_blocking), self.size, self.failures)


Found = tuple[Tensor, tuple[int, int]]
"""Pixels as the network sees them, and height and width of the file."""


class LooseImages(Dataset[tuple[int, Found | str]]):
    """Position and pixels of each file, or the reason why it cannot be read."""

    def __init__(self, paths: Sequence[str], transform: Transform) -> None:
        self.paths = PathList(paths)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[int, Found | str]:
        try:
            image = read_rgb(Path(self.paths[index]))
            return index, (self.transform(image), (image.height, image.width))
        except DataError as error:
            return index, str(error)


def collate_loose(items: Sequence[tuple[int, Found | str]]) -> LooseBatch:
    """Stack what could be read; images of unlike sizes are padded with the mean colour, which is 0."""
    read = [(index, found) for index, found in items if not isinstance(found, str)]
    failures = tuple((index, reason) for index, reason in items if isinstance(reason, str))
    images = stacked([image for _, (image, _) in read], fill=0) if read else torch.empty(0, 3, 0, 0)
    sizes = torch.tensor([size for _, (_, size) in read], dtype=torch.int64).reshape(-1, 2)
    return LooseBatch(tuple(index for index, _ in read), images, sizes, failures)


def find_images(arguments: Sequence[str]) -> list[str]:
    """The image files that files, folders (searched to the bottom) and glob patterns name, each once.

    Raises:
        DataError: no argument, a path that does not exist, a pattern that fits nothing, or a folder without images.
    """
    if not any(arguments):
        raise DataError("no images to read; name files, folders, or patterns such as 'photos/*.jpg'")
    found: dict[str, str] = {}  # by absolute path, because photo.jpg and ./photo.jpg are one file
    for argument in filter(None, arguments):
        for name in _files(argument):
            found.setdefault(os.path.abspath(name), name)  # noqa: PTH100  # resolve() would also follow links
    return list(found.values())


def _files(argument: str) -> list[str]:
    path = Path(argument)
    if path.is_dir():
        inside = sorted(str(p) for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not inside:
            raise DataError(f"{argument}: no image in this folder; images end in {', '.join(sorted(SUFFIXES))}")
        return inside
    if path.exists():
        return [argument]
    # Path.glob refuses some patterns that a shell takes, such as a**b
    matches = sorted(name for name in glob.glob(argument, recursive=True) if Path(name).is_file())  # noqa: PTH207
    if not matches:
        raise DataError(f"{argument}: no such file or folder, and as a pattern it fits nothing")
    return matches
