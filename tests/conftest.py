"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trees import class_tree, voc_tree


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data sets; the test skips where there is none."""
    place = os.environ.get("SACCADE_DATA") or Path(__file__).parents[2] / "shared" / "data"
    folder = Path(place).absolute()
    if not folder.is_dir():
        pytest.skip(f"no real data: SACCADE_DATA is not set or {folder} is no folder")
    return folder


@pytest.fixture
def jpeg() -> Callable[..., Path]:
    """``jpeg(path, seed=0, size=(8, 8))`` writes a JPEG of noise, with its folders, and returns the path."""

    def write(path: Path, seed: int = 0, size: tuple[int, int] = (8, 8)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, "JPEG", quality=95)
        return path

    return write


@pytest.fixture
def classes_on_disk(tmp_path: Path) -> Path:
    """A tree of 12 training and 6 validation images in folders of three classes."""
    return class_tree(tmp_path / "classes")


@pytest.fixture
def voc_on_disk(tmp_path: Path) -> Path:
    """A VOC tree of 12 training and 6 validation images of three classes, one training image difficult in red."""
    return voc_tree(tmp_path / "voc")
