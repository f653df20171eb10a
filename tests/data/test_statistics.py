from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.data.statistics import channel_statistics, image_sizes
from saccade.errors import DataError


def test_equals_numpy_over_all_pixels(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    sizes = [(8, 8), (31, 7), (1, 1), (12, 40)]
    paths = [jpeg(tmp_path / f"{i}.jpg", seed=i, size=size) for i, size in enumerate(sizes)]
    pixels = np.concatenate([np.asarray(Image.open(path)).reshape(-1, 3) for path in paths]) / 255
    mean, std = channel_statistics(paths)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, pixels.std(axis=0), rtol=1e-12)
    assert channel_statistics(reversed(paths)) == (mean, std)


def test_equals_numpy_after_resizing(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    paths = [jpeg(tmp_path / f"{i}.jpg", seed=i, size=(20 + i, 9)) for i in range(3)]
    pixels = np.stack([np.asarray(Image.open(p).resize((6, 6), Image.Resampling.BILINEAR)) for p in paths]) / 255
    mean, std = channel_statistics(paths, size=(6, 6))
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, pixels.std(axis=(0, 1, 2)), rtol=1e-12)


def test_by_hand(tmp_path: Path) -> None:
    """One black and one white pixel in red; green and blue half the way: mean 0.5 and 0.25, std the same."""
    Image.fromarray(np.array([[[0, 0, 0], [255, 0, 0]]], dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.array([[[0, 255, 0], [255, 0, 255]]], dtype=np.uint8)).save(tmp_path / "b.png")
    mean, std = channel_statistics([tmp_path / "a.png", tmp_path / "b.png"])
    assert mean == (0.5, 0.25, 0.25)
    np.testing.assert_allclose(std, [0.5, np.sqrt(3) / 4, np.sqrt(3) / 4])


def test_grey_images_count_in_all_channels(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert channel_statistics([tmp_path / "a.png"]) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_progress_counts_every_image(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    path, told = jpeg(tmp_path / "a.jpg"), []
    channel_statistics([path] * 600, progress=told.append)
    assert sum(told) == 600
    assert len(told) > 1


def test_refusals(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="there is no image to measure"):
        channel_statistics([])
    with pytest.raises(DataError, match=r"gone\.jpg: image not found"):
        channel_statistics([jpeg(tmp_path / "a.jpg"), tmp_path / "gone.jpg"])
    Image.new("RGB", (4, 4), (7, 7, 7)).save(tmp_path / "flat.png")
    with pytest.raises(DataError, match=r"cannot be normalised; set data\.normalize to imagenet"):
        channel_statistics([tmp_path / "flat.png"])


def test_sizes(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    paths = [jpeg(tmp_path / "a.jpg", size=(30, 20)), jpeg(tmp_path / "b.jpg", size=(5, 50))]
    turned = Image.new("RGB", (30, 20))
    turned.getexif()[0x0112] = 6  # to be shown after a quarter turn
    turned.save(tmp_path / "c.jpg", exif=turned.getexif())
    assert image_sizes([*paths, tmp_path / "c.jpg"]).tolist() == [[30, 20], [5, 50], [20, 30]]
    assert image_sizes([]).shape == (0, 2)
    (tmp_path / "d.jpg").write_text("no image")
    with pytest.raises(DataError, match=r"d.jpg: cannot be read as an image"):
        image_sizes([tmp_path / "d.jpg"])


@pytest.mark.real
def test_real_data(real_data: Path) -> None:
    """The dogs are 224 x 224, says the data's README; NumPy is the reference for their pixels."""
    paths = sorted((real_data / "dogs/val").glob("*/*.jpg"))[:40]
    assert np.unique(image_sizes(paths)).tolist() == [224]
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]) / 255
    mean, std = channel_statistics(paths)
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(std, pixels.std(axis=(0, 1, 2)), rtol=1e-9)
