"""Pictures inside the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from saccade.report.thumbnails import Thumbnails


def decoded(address: str | None) -> Image.Image:
    assert address is not None
    head, _, body = address.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


@pytest.mark.parametrize(("size", "expected"), [((640, 320), (160, 80)), ((90, 600), (24, 160)), ((40, 30), (40, 30))])
def test_at_most_160_pixels_a_side(tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    Image.new("RGB", size, "teal").save(tmp_path / "a.jpg")
    assert decoded(Thumbnails(tmp_path).address("a.jpg")).size == expected


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_any_mode(tmp_path: Path, mode: str) -> None:
    kind = "tif" if mode == "CMYK" else "png"
    Image.new("RGB", (200, 100), "teal").convert(mode).save(tmp_path / f"a.{kind}")
    picture = decoded(Thumbnails(tmp_path).address(f"a.{kind}"))
    assert (picture.mode, picture.size) == ("RGB", (160, 80))


def test_transparent_is_shown_as_the_network_sees_it(tmp_path: Path) -> None:
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert decoded(Thumbnails(tmp_path).address("a.png")).getpixel((9, 9)) == (0, 0, 0)


def test_upright_by_exif(tmp_path: Path) -> None:
    picture = Image.new("RGB", (400, 200), "teal")
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert decoded(Thumbnails(tmp_path).address("a.jpg")).size == (80, 160)


def test_missing_and_unreadable_are_counted(tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder").mkdir()
    thumbnails = Thumbnails(tmp_path)
    assert [thumbnails.address(n) for n in ("torn.jpg", "empty.jpg", "none.jpg", "folder")] == [None] * 4
    assert thumbnails.missing == ["none.jpg", "folder"]
    assert thumbnails.unreadable == ["torn.jpg", "empty.jpg"]
    assert thumbnails.asked == 4


def test_nothing_outside_the_data_root(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "secret.jpg")
    (tmp_path / "data").mkdir()
    thumbnails = Thumbnails(tmp_path / "data")
    assert thumbnails.address("../secret.jpg") is None
    assert thumbnails.address(str(tmp_path / "secret.jpg")) is None
    assert len(thumbnails.missing) == 2
