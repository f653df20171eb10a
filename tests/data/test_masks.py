"""What a mask file holds, by the PNG specification's own terms: indices of a palette, grey levels, or colours."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from saccade.data.masks import VOID, MaskCoding, palette_of, palette_png, read_mask
from saccade.errors import DataError

IDS = np.array([[0, 1, 2], [2, 255, 0]], dtype=np.uint8)
THREE = MaskCoding(ids=(0, 1, 2))
COLOURS = ((0, 0, 0), (128, 64, 128), (70, 70, 70))
IN_COLOUR = MaskCoding(ids=(0, 1, 2), colours=COLOURS, void_colour=(255, 255, 255))


def palette(*colours: tuple[int, int, int]) -> NDArray[np.uint8]:
    table = np.zeros((256, 3), dtype=np.uint8)
    table[: len(colours)] = np.array(colours, dtype=np.uint8).reshape(-1, 3)
    return table


def save(array: NDArray[np.generic], path: Path, mode: str | None = None) -> Path:
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(path)
    return path


def png(rows: bytes, *, width: int, height: int, depth: int, colour_type: int = 0) -> bytes:
    """A PNG by its specification: each row of ``rows`` begins with its filter, 0."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("coding", [THREE, IN_COLOUR], ids=["no table", "a table of the same colours"])
def test_a_palette_image_is_read_as_indices_whatever_its_colours(tmp_path: Path, coding: MaskCoding) -> None:
    """Its palette shows 0 in the colour of class 2, 1 in that of 0, 2 in that of 1, and void as black."""
    misleading = palette(COLOURS[2], COLOURS[0], COLOURS[1])
    (tmp_path / "a.png").write_bytes(palette_png(IDS, misleading))
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        assert np.asarray(image.convert("RGB"))[0, 0].tolist() == [70, 70, 70]
    found = read_mask(tmp_path / "a.png", coding)
    assert found.dtype == np.uint8
    assert found.tolist() == IDS.tolist()


def test_a_palette_that_repeats_a_colour_does_not_merge_ids(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(palette_png(IDS, palette()))
    assert read_mask(tmp_path / "a.png", THREE).tolist() == IDS.tolist()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_small_palettes_and_transparency_leave_indices_alone(tmp_path: Path, bits: int) -> None:
    ids = np.array([[0, 1], [1, 0]], dtype=np.uint8)
    image = Image.fromarray(ids)
    image.putpalette([9, 9, 9, 200, 0, 0])
    image.save(tmp_path / "a.png", bits=bits, transparency=1)
    assert read_mask(tmp_path / "a.png", THREE).tolist() == ids.tolist()


@pytest.mark.parametrize(
    ("depth", "rows"),
    [(1, b"\0\x40"), (2, b"\0\x18"), (4, b"\0\x01\x20"), (8, b"\0\0\1\2"), (16, b"\0\0\0\0\1\0\2")],
)
def test_grey_levels_are_ids_at_every_bit_depth(tmp_path: Path, depth: int, rows: bytes) -> None:
    """Pillow spreads 2 and 4 bits over 0 to 255; the PNG says 0, 1, 2 all the same (0, 1, 0 with one bit)."""
    (tmp_path / "a.png").write_bytes(png(rows, width=3, height=1, depth=depth))
    assert read_mask(tmp_path / "a.png", THREE).tolist() == ([[0, 1, 0]] if depth == 1 else [[0, 1, 2]])


def test_colours_are_classes_by_the_table(tmp_path: Path) -> None:
    table = np.array([*COLOURS, (255, 255, 255)], dtype=np.uint8)
    pixels = table[np.where(IDS == 255, 3, IDS)]
    assert read_mask(save(pixels, tmp_path / "a.png"), IN_COLOUR).tolist() == IDS.tolist()
    assert read_mask(save(pixels, tmp_path / "b.png", "RGBA"), IN_COLOUR).tolist() == IDS.tolist()


def test_grey_levels_are_classes_where_all_colours_are_greys(tmp_path: Path) -> None:
    coding = MaskCoding(ids=(0, 1), colours=((0, 0, 0), (255, 255, 255)))
    path = save(np.array([[0, 255]], dtype=np.uint8), tmp_path / "a.png")
    assert read_mask(path, coding).tolist() == [[0, 1]]
    assert read_mask(path, MaskCoding(ids=(0, 1), colours=((0, 0, 0), (255, 0, 0)))).tolist() == [[0, VOID]]


def test_void_is_kept_or_becomes_background(tmp_path: Path) -> None:
    path = save(IDS, tmp_path / "a.png")
    assert read_mask(path, THREE)[1, 1] == VOID
    background = MaskCoding(ids=(0, 1, 2), void_is_background=True)
    assert read_mask(path, background).tolist() == [[0, 1, 2], [2, 0, 0]]
    assert read_mask(path, background, keep_void=True)[1, 1] == VOID


def test_void_may_have_any_id_and_ids_any_order(tmp_path: Path) -> None:
    """0 is void as in ADE20K; classes 0 and 1 are stored as 2 and 1, and class 2 is not there."""
    path = save(np.array([[0, 1, 2]], dtype=np.uint8), tmp_path / "a.png")
    assert read_mask(path, MaskCoding(ids=(2, 1, -1), void_id=0)).tolist() == [[VOID, 1, 0]]


def test_reading_twice_gives_the_same_and_nothing_is_shared(tmp_path: Path) -> None:
    path = save(IDS, tmp_path / "a.png")
    read_mask(path, THREE)[:] = 7
    assert read_mask(path, THREE).tolist() == IDS.tolist()


def test_a_mask_is_turned_upright_like_its_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise puts it upright
    Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8)).save(tmp_path / "a.png", exif=exif)
    assert read_mask(tmp_path / "a.png", THREE).tolist() == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("values", "coding", "said"),
    [
        ([[0, 17, 17]], THREE, "id 17 in 2 pixels stands for no class; allowed: 0 to 2 and 255 (void); if 17 is void"),
        ([[0, 3, 1]], MaskCoding(ids=(0, 1, 2), void_id=None), "id 3 in 1 pixel stands for no class; allowed: 0 to 2;"),
        ([[9, 9, 8, 7]], THREE, "id 9 in 2 pixels (and 2 other such values)"),
        ([[255]], MaskCoding(ids=(0, 1), void_id=None), "set data.void_id=255"),
        ([[5]], MaskCoding(ids=(0, 1, 3)), "allowed: 0 to 1, 3 and 255"),
        ([[254]], THREE, "id 254 in 1 pixel"),
    ],
)
def test_a_stray_id_is_named_with_its_pixels(
    tmp_path: Path, values: list[list[int]], coding: MaskCoding, said: str
) -> None:
    path = save(np.array(values, dtype=np.uint8), tmp_path / "a.png")
    with pytest.raises(DataError) as caught:
        read_mask(path, coding)
    assert str(caught.value).startswith(f"{path}: id ")
    assert said in str(caught.value)
    assert "data.classes or classes.txt" in str(caught.value)


def test_an_id_of_16_bits_is_not_cut_to_8(tmp_path: Path) -> None:
    """257 is 1 in its lower 8 bits."""
    path = save(np.array([[0, 257]], dtype=np.uint16), tmp_path / "a.png")
    with pytest.raises(DataError, match=r"id 257 in 1 pixel stands for no class"):
        read_mask(path, THREE)


def test_a_stray_colour_is_named_with_its_pixels(tmp_path: Path) -> None:
    path = save(np.array([[(0, 0, 0), (12, 0, 3), (12, 0, 3)]], dtype=np.uint8), tmp_path / "a.png")
    with pytest.raises(DataError) as caught:
        read_mask(path, IN_COLOUR)
    assert f"{path}: colour (12, 0, 3) in 2 pixels is not among those of the 3 classes and void" in str(caught.value)
    assert "data.void_colour=[12, 0, 3]" in str(caught.value)


def test_colours_without_a_table_are_refused(tmp_path: Path) -> None:
    path = save(np.zeros((2, 2, 3), dtype=np.uint8), tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: .*it is in colour, and no table says.*give data\.colours"):
        read_mask(path, THREE)


@pytest.mark.parametrize("void", [None, COLOURS[1]])
def test_a_colour_of_two_meanings_is_refused(tmp_path: Path, void: tuple[int, int, int] | None) -> None:
    coding = MaskCoding(ids=(0, 1), colours=(COLOURS[1], COLOURS[0] if void else COLOURS[1]), void_colour=void)
    with pytest.raises(DataError, match=r"\(128, 64, 128\) is the colour of two classes, or of void too"):
        read_mask(save(np.zeros((1, 1, 3), dtype=np.uint8), tmp_path / "a.png"), coding)


def damaged(folder: Path, kind: str) -> Path:
    path = folder / "a.png"
    whole = png(b"".join(b"\0" + bytes(range(64)) for _ in range(64)), width=64, height=64, depth=8)
    match kind:
        case "empty":
            path.touch()
        case "text":
            path.write_text("no image")
        case "truncated":
            path.write_bytes(whole[: len(whole) - 30])
        case "jpeg":
            Image.fromarray(IDS).save(path, "JPEG")
        case "two channels":
            Image.fromarray(IDS).convert("LA").save(path)
        case "floats":
            path = folder / "a.tif"
            Image.fromarray(IDS.astype(np.float32)).save(path)
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "mask not found"),
        ("empty", "the file is empty"),
        ("text", "no known image format"),
        ("truncated", "truncated"),
        ("jpeg", "it is a JPEG, whose compression changes the values; save masks as PNG"),
        ("two channels", "mode LA; a mask is a palette, grey or RGB image"),
        ("floats", "mode F"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, kind: str, said: str) -> None:
    path = damaged(tmp_path, kind)
    with pytest.raises(DataError) as caught:
        read_mask(path, THREE)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_written_mask_is_read_back_with_its_palette(tmp_path: Path) -> None:
    ids = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colours = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(palette_png(ids, colours))
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), ids)
        assert np.array_equal(np.asarray(image.convert("RGB")), colours[ids])
    found = palette_of(tmp_path / "a.png")
    assert found is not None
    assert np.array_equal(found, colours)


def test_a_short_palette_is_filled_with_black_and_a_grey_image_has_none(tmp_path: Path) -> None:
    image = Image.fromarray(np.zeros((1, 1), dtype=np.uint8))
    image.putpalette([1, 2, 3, 4, 5, 6])
    image.save(tmp_path / "a.png", bits=1)
    found = palette_of(tmp_path / "a.png")
    assert found is not None
    assert found.shape == (256, 3)
    assert found[:3].tolist() == [[1, 2, 3], [4, 5, 6], [0, 0, 0]]
    assert palette_of(save(IDS, tmp_path / "grey.png")) is None
    with pytest.raises(DataError, match="mask not found"):
        palette_of(tmp_path / "none.png")


def test_one_pixel(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(palette_png(np.array([[2]], dtype=np.uint8), palette()))
    assert read_mask(tmp_path / "a.png", THREE).tolist() == [[2]]
