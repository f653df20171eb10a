"""SROIE's receipts in both of their own forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.data import sroie
from saccade.data.mended import Mended
from saccade.errors import DataError

LINES = b"72,25,326,25,326,64,72,64,TAN WOON YANN\n50,82,440,82,440,121,50,121,BOOK TA .K(TAMAN DAYA) SDN BND\n"
AWKWARD = b'205,121,285,121,285,139,205,139,"REDEEMED, ""3\r\n110,144,383,144,383,163,110,163,"GST" 6%,"A"\r\n'
"""As if quoted for CSV, which it is not."""


def copy_form(base: Path, jpeg: Callable[..., Path]) -> None:
    """The cleaned copy: 000 and 001 in img/ and box/, and a key/."""
    for name, text in (("000", LINES), ("001", AWKWARD)):
        jpeg(base / "img" / f"{name}.jpg")
        for folder in ("box", "key"):
            (base / folder).mkdir(exist_ok=True)
        (base / "box" / f"{name}.csv").write_bytes(text)
        (base / "key" / f"{name}.json").write_text("{}")


def first_form(base: Path, jpeg: Callable[..., Path]) -> None:
    """As SROIE was published: text beside each image."""
    for name, text in (("X00016469612", b"\xef\xbb\xbf" + LINES), ("X51005200931", AWKWARD)):
        jpeg(base / f"{name}.jpg")
        (base / f"{name}.txt").write_bytes(text)


TEXTS = ("TAN WOON YANN", "BOOK TA .K(TAMAN DAYA) SDN BND"), ('"REDEEMED, ""3', '"GST" 6%,"A"')


@pytest.mark.parametrize("form", [copy_form, first_form])
@pytest.mark.parametrize(("base", "split"), [(".", "."), ("data", "."), ("train", "train"), ("val", "val")])
def test_both_forms_in_splits_and_in_one_tree(
    tmp_path: Path, jpeg: Callable[..., Path], form: Callable[..., None], base: str, split: str
) -> None:
    form(tmp_path / base, jpeg)
    assert sroie.splits(tmp_path) == [split]
    listing, mended = sroie.read(tmp_path, split)
    assert [(tmp_path / name).is_file() for name in listing.images] == [True, True]
    assert listing.words is not None
    assert tuple(listing.words.of(i).texts for i in range(2)) == TEXTS
    assert listing.words.quads[0].tolist() == [[72, 25], [326, 25], [326, 64], [72, 64]]
    assert listing.words.cared.all()
    assert mended == Mended()


def test_transcripts_are_not_csv(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    """A reader of CSV joins the lines of a transcript that begins with a quote, and splits at commas."""
    copy_form(tmp_path, jpeg)
    words = sroie.read(tmp_path, ".")[0].words
    assert words is not None
    assert words.counts.tolist() == [2, 2]
    assert words.of(1).texts[0] == '"REDEEMED, ""3'


def test_a_bad_line_does_not_drop_the_rest_of_its_file(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    copy_form(tmp_path, jpeg)
    (tmp_path / "box" / "000.csv").write_bytes(b"72,25,326,25,326,64,72\n" + LINES + b"1,1,1,1,9,9,9,1,x\n")
    with pytest.raises(DataError) as caught:
        sroie.read(tmp_path, ".")
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{tmp_path / 'box' / '000.csv'}:{k}" for k in (1, 4)]
    assert "has 7 numbers and no transcript; a line is x1,y1,x2,y2,x3,y3,x4,y4,transcript" in lines[0]
    assert "two corners in one place" in lines[1]


def test_each_image_has_its_file(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    copy_form(tmp_path, jpeg)
    (tmp_path / "box" / "000.csv").rename(tmp_path / "box" / "002.csv")
    with pytest.raises(DataError, match=r"000\.jpg: has no file (?s:.*)002\.csv: has no image in"):
        sroie.read(tmp_path, ".")


def test_no_such_split(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    copy_form(tmp_path / "train", jpeg)
    first_form(tmp_path / "test", jpeg)
    (tmp_path / "key").mkdir()
    assert sroie.splits(tmp_path) == ["test", "train"]
    with pytest.raises(DataError, match=r"no split 'val': there is no val/img/ with val/box/, nor val/ with a \.txt"):
        sroie.read(tmp_path, "val")
    with pytest.raises(DataError, match="it has the splits 'test', 'train'"):
        sroie.read(tmp_path, "val")
    assert sroie.splits(tmp_path / "nowhere") == []
