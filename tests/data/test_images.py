"""Reading image files of every kind, and what is said of those that cannot be read."""

from __future__ import annotations

import io
import random
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from saccade.data.images import SUFFIXES, read_rgb
from saccade.errors import DataError

ORIENTATION = 0x0112


def pixels(height: int = 12, width: int = 20) -> NDArray[np.uint8]:
    """A ramp in every channel: no two corners alike, and gentle enough to survive JPEG."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 10, y * 15, 255 - x * 5 - y * 5], axis=2).astype(np.uint8)


def read(path: Path) -> NDArray[np.uint8]:
    image = read_rgb(path)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".jpg", ".jpeg", ".webp", ".gif", ".pgm"}))
def test_lossless_files_come_back_to_the_bit(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(pixels()).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read(tmp_path / f"a{suffix}"), pixels())


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".gif"])
def test_lossy_files_come_back_nearly(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(pixels()).save(tmp_path / f"a{suffix}", quality=95)
    assert np.abs(read(tmp_path / f"a{suffix}").astype(int) - pixels()).mean() < 6


def test_the_first_frame_of_an_animation_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


# What the camera must be turned by, from the EXIF 2.3 standard: where row 0 and column 0 of the stored image belong.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_images_are_turned_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels()).save(path, exif=exif, **({"quality": 100, "subsampling": 0} if suffix == "jpg" else {}))
    found = read(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(found, np.asarray(ImageOps.exif_transpose(image)))
    np.testing.assert_allclose(found.astype(int), UPRIGHT[orientation](pixels()), atol=6 if suffix == "jpg" else 0)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_means_nothing_turns_nothing(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(pixels()).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), pixels())


def exif_block(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Big-endian TIFF directory of (tag, type, count, four bytes of value), as JPEG's APP1 holds it."""
    rows = b"".join(struct.pack(">HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + rows + b"\0\0\0\0"


@pytest.mark.parametrize(
    ("block", "turned"),
    [
        # orientation 6, and a resolution (tag 0x011A) as text: Pillow cannot write such a directory anew
        (exif_block((ORIENTATION, 3, 1, b"\0\x06\0\0"), (0x011A, 2, 4, b"abc\0")), True),
        (exif_block((ORIENTATION, 2, 4, b"six\0")), False),  # orientation as text
        (b"Exif\0\0MM\0*\0\0\0\x08\0\x05half", False),
        (b"Exif\0\0nonsense", False),
    ],
)
def test_odd_exif_data_do_not_cost_the_image(tmp_path: Path, block: bytes, turned: bool) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels()).save(buffer, "JPEG", exif=block)
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own of corrupt EXIF data
        image = read_rgb(tmp_path / "a.jpg")
    assert image.size == ((12, 20) if turned else (20, 12))


def test_16_bit_grey_is_scaled(tmp_path: Path) -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values).save(tmp_path / "a.tif")
    for name in ("a.png", "a.tif"):
        assert read(tmp_path / name)[0].tolist() == [[v, v, v] for v in (0, 0, 1, 128, 255)]


def test_16_bit_colour_is_scaled(tmp_path: Path) -> None:
    """A PNG written by hand, since Pillow writes none with 16 bits a channel."""
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" + struct.pack(">6H", 0, 256, 65535, 32768, 513, 255)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    assert read(tmp_path / "a.png")[0].tolist() == [[0, 1, 255], [128, 2, 0]]


def test_grey_and_black_and_white_become_three_equal_channels(tmp_path: Path) -> None:
    grey = np.array([[0, 100, 255]], dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(grey > 50).save(tmp_path / "b.png")
    Image.fromarray(grey).save(tmp_path / "a.pgm")
    assert read(tmp_path / "a.png")[0].tolist() == [[v] * 3 for v in (0, 100, 255)]
    assert read(tmp_path / "a.pgm")[0].tolist() == [[v] * 3 for v in (0, 100, 255)]
    assert read(tmp_path / "b.png")[0].tolist() == [[v] * 3 for v in (0, 255, 255)]


def test_cmyk_is_converted(tmp_path: Path) -> None:
    """R = 255 (1 - C)(1 - K) and so on, the plain conversion without colour profiles."""
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 0, 255], [0, 0, 0, 128]]], dtype=np.uint8)
    Image.fromarray(inks, mode="CMYK").save(tmp_path / "a.tif")
    expected = [[255, 255, 255], [0, 255, 255], [255, 0, 255], [0, 0, 0], [127, 127, 127]]
    assert read(tmp_path / "a.tif")[0].tolist() == expected
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.jpg", quality=100)
    np.testing.assert_allclose(read(tmp_path / "a.jpg")[4, 4], [0, 255, 255], atol=3)


def test_transparency_is_dropped_and_colours_stay(tmp_path: Path) -> None:
    rgba = np.dstack([pixels(), np.full((12, 20), 7, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png"), pixels())
    Image.fromarray(np.array([[[100, 0], [200, 255]]], np.uint8), mode="LA").save(tmp_path / "b.png")
    assert read(tmp_path / "b.png")[0].tolist() == [[100] * 3, [200] * 3]


@pytest.mark.parametrize("transparency", [None, 1, b"\x00\x80\xff"])
def test_a_palette_is_looked_up_transparent_or_not(tmp_path: Path, transparency: int | bytes | None) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "a.png", **({} if transparency is None else {"transparency": transparency}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(tmp_path / "a.png")[0].tolist() == [[10, 20, 30], [40, 50, 60], [70, 80, 90]]


def test_the_file_is_closed(tmp_path: Path) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        read_rgb(tmp_path / "a.png")
        with pytest.raises(DataError):
            read_rgb(tmp_path / "b.png")


# What cannot be read.


def refused(path: Path) -> str:
    """The message about a file, which names it once and fits on a line."""
    with pytest.raises(DataError) as raised:
        read_rgb(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert message.count(str(path)) == 1
    assert "\n" not in message
    assert raised.value.__suppress_context__, "a worker process would send the whole chain"
    return message.removeprefix(f"{path}: ")


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.jpg") == "image not found"


def test_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path) == "cannot be read as an image (Is a directory)"


def test_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert refused(tmp_path / "a.jpg" / "b.jpg") == "cannot be read as an image (Not a directory)"


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    assert refused(tmp_path / ("a" * 300)) == "cannot be read as an image (File name too long)"


def test_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert refused(tmp_path / "a.jpg") == "cannot be read as an image (the file is empty)"


def test_text_named_jpg(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("<html>404 not found</html>")
    assert refused(tmp_path / "a.jpg") == "cannot be read as an image (it has no known image format)"


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_truncated_files_are_refused_wherever_they_end(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    whole = buffer.getvalue()
    for share in (0.01, 0.1, 0.5, 0.9):
        (tmp_path / "a").write_bytes(whole[: int(len(whole) * share)])
        assert refused(tmp_path / "a").startswith("cannot be read as an image (")


def test_a_truncated_jpeg_says_so(tmp_path: Path) -> None:
    Image.fromarray(pixels(100, 20)).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[:-200])
    assert "truncated" in refused(tmp_path / "a.jpg")


def test_an_image_too_large_to_be_honest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "exceeds limit" in refused(tmp_path / "a.png")


def damaged(rng: random.Random, whole: bytes) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.choice((1, 3, 10))):
        data[rng.randrange(min(len(data), rng.choice((300, len(data)))))] = rng.randrange(256)
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.3 else data)


def test_float_pixels_are_refused_and_not_taken_for_black(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 0.5, dtype=np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="floats"):
        read_rgb(tmp_path / "a.tif")


def test_damaged_bytes_give_an_image_or_one_clean_message(tmp_path: Path) -> None:
    """Pillow's decoders raise TypeError, struct.error and others on some of these."""
    rng = random.Random(0)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "hello"
    originals = []
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP"):
        buffer = io.BytesIO()
        Image.fromarray(pixels()).save(buffer, kind, **({"exif": exif} if kind != "GIF" and kind != "BMP" else {}))
        originals.append(buffer.getvalue())
    messages: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of corrupt EXIF data and of large images
        for _ in range(1000):
            (tmp_path / "a").write_bytes(damaged(rng, rng.choice(originals)))
            try:
                assert read_rgb(tmp_path / "a").mode == "RGB"
            except DataError as error:
                messages.append(str(error))
    assert 100 < len(messages) < 900, "both happen"
    assert all(message.startswith(f"{tmp_path}/a: ") and "\n" not in message for message in messages)
