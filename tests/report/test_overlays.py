"""Rows of pictures, read back pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from saccade.data.masks import palette_png
from saccade.draw.overlay import RIGHT, UNKNOWN, WRONG, palette
from saccade.report.overlays import ALPHA, SIDE, Overlays
from saccade.report.segments import Segmented
from saccade.report.shown import Place
from saccade.runs import Run

from .conftest import unscored
from .segment_run import HEIGHT, WIDTH, add_segment
from .test_thumbnails import decoded

GREY = 100


def one_image(tmp_path: Path, target: np.ndarray, said: np.ndarray, *, shown: tuple[int, int] = (WIDTH, HEIGHT)) -> Run:
    """A run of one image, all of it of one grey, ``shown`` pixels wide and high."""
    run = unscored(tmp_path / "001", task="segment")
    height, width = target.shape
    small = np.asarray(Image.fromarray(said).resize((width, height), Image.Resampling.NEAREST))
    add_segment(run, tmp_path / "data", [target], [small])
    (run.evaluation("val").path / "masks" / "000.png").write_bytes(palette_png(said, palette(256)))
    Image.new("RGB", shown, (GREY, GREY, GREY)).save(tmp_path / "data" / "JPEGImages" / "000.jpg", quality=100)
    return run


def overlays(run: Run, root: Path) -> Overlays:
    evaluation = run.evaluation("val")
    return Overlays(Segmented.read(evaluation), data_root=root, evaluation=evaluation.path)


def pictures(made: Overlays) -> dict[str, np.ndarray | None]:
    (row,) = made.rows([Place(0, 1)])
    return {p.name: None if p.address is None else np.asarray(decoded(p.address), dtype=int) for p in row.pictures}


def over_grey(colour: tuple[int, int, int] | list[int]) -> np.ndarray:
    return (1 - ALPHA) * GREY + ALPHA * np.array(colour)


def assert_colour(pixel: np.ndarray, expected: np.ndarray) -> None:
    """Equal, as far as a JPEG can tell."""
    assert np.abs(pixel - expected).max() <= 6


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("shown", [(WIDTH, HEIGHT), (2 * WIDTH, 2 * HEIGHT)])
def test_the_four_pictures_lie_on_each_other(tmp_path: Path, factor: int, shown: tuple[int, int]) -> None:
    """Left a third void, then a third of class 1, then of class 2; the prediction, of another size, says 1 at all."""
    target = np.repeat(np.array([[255, 1, 2]], dtype=np.uint8), WIDTH // 3, axis=1).repeat(HEIGHT, axis=0)
    said = np.ones((factor * HEIGHT, factor * WIDTH), dtype=np.uint8)
    found = pictures(overlays(one_image(tmp_path, target, said, shown=shown), tmp_path / "data"))
    assert list(found) == ["image", "target", "prediction", "errors"]
    colours = palette(3).tolist()
    y, width = shown[1] // 2, shown[0]
    thirds = [width // 6, width // 2, 5 * width // 6]
    expected = {
        "image": [np.full(3, GREY)] * 3,
        "target": [np.full(3, GREY), over_grey(colours[1]), over_grey(colours[2])],
        "prediction": [over_grey(colours[1])] * 3,
        "errors": [over_grey(UNKNOWN), over_grey(RIGHT), over_grey(WRONG)],
    }
    for name, wanted in expected.items():
        picture = found[name]
        assert picture is not None
        assert picture.shape == (shown[1], shown[0], 3)
        for x, colour in zip(thirds, wanted, strict=True):
            assert_colour(picture[y, x], colour)


def test_large_images_are_made_small_and_small_ones_stay_sharp(tmp_path: Path) -> None:
    target = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    made = overlays(one_image(tmp_path / "a", target, target, shown=(1800, 1350)), tmp_path / "a" / "data")
    (row,) = made.rows([Place(0, 1)])
    assert [decoded(p.address).size for p in row.pictures] == [(SIDE, 3 * SIDE // 4)] * 4
    assert not any(p.enlarged for p in row.pictures)
    made = overlays(one_image(tmp_path / "b", target, target), tmp_path / "b" / "data")
    assert all(p.enlarged for p in made.rows([Place(0, 1)])[0].pictures)


def test_without_the_data_the_prediction_is_shown_alone(tmp_path: Path) -> None:
    said = np.full((HEIGHT, WIDTH), 2, dtype=np.uint8)
    made = overlays(one_image(tmp_path, np.zeros_like(said), said), tmp_path / "elsewhere")
    found = pictures(made)
    assert [name for name, picture in found.items() if picture is not None] == ["prediction"]
    assert found["prediction"] is not None
    assert_colour(found["prediction"][4, 4], np.array(palette(3)[2]))
    assert (made.data.asked, len(made.data.missing), made.predicted.missing) == (2, 2, [])


def test_without_the_image_the_masks_are_compared_all_the_same(tmp_path: Path) -> None:
    target = np.ones((HEIGHT, WIDTH), dtype=np.uint8)
    run = one_image(tmp_path, target, np.zeros_like(target))
    (tmp_path / "data" / "JPEGImages" / "000.jpg").unlink()
    found = pictures(overlays(run, tmp_path / "data"))
    assert found["image"] is None
    assert found["errors"] is not None
    assert_colour(found["errors"][4, 4], np.array(WRONG))


def test_damaged_masks_are_counted(tmp_path: Path) -> None:
    target = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    run = one_image(tmp_path, target, target)
    (tmp_path / "data" / "SegmentationClass" / "000.png").write_bytes(b"torn")
    stray = np.full_like(target, 9)  # there are four classes
    (run.evaluation("val").path / "masks" / "000.png").write_bytes(palette_png(stray, palette(256)))
    made = overlays(run, tmp_path / "data")
    assert [name for name, picture in pictures(made).items() if picture is not None] == ["image"]
    assert made.data.unreadable == ["SegmentationClass/000.png"]
    assert made.predicted.unreadable == ["masks/000.png"]


def test_nothing_outside_the_two_folders(tmp_path: Path) -> None:
    target = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    run = one_image(tmp_path, target, target)
    (tmp_path / "secret.png").write_bytes(palette_png(target, palette(256)))
    file = run.evaluation("val").predictions_file
    outside = {"target": pl.lit("../secret.png"), "mask": pl.lit(str(tmp_path / "secret.png"))}
    pl.read_parquet(file).with_columns(**outside).write_parquet(file)
    made = overlays(run, tmp_path / "data")
    assert [name for name, picture in pictures(made).items() if picture is not None] == ["image"]
    assert (made.data.missing, len(made.predicted.missing)) == (["../secret.png"], 1)
