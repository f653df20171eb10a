"""ICDAR's files of words, as they are published and as people write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from saccade.data import icdar
from saccade.data.folds import folds
from saccade.data.mended import Mended
from saccade.data.words import Words
from saccade.errors import DataError

BOM = b"\xef\xbb\xbf"
Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path, jpeg: Callable[..., Path]) -> Tree:
    """``tree(b"line", ...)`` writes images img_1, img_2, ... of split "train" with such files, and returns the root."""

    def write(*texts: bytes, folders: Sequence[str] = ("train_images", "train_gts")) -> Path:
        for i, text in enumerate(texts, start=1):
            jpeg(tmp_path / folders[0] / f"img_{i}.jpg")
            (tmp_path / folders[1]).mkdir(exist_ok=True)
            (tmp_path / folders[1] / f"gt_img_{i}.txt").write_bytes(text)
        return tmp_path

    return write


def words_of(root: Path, split: str = "train") -> Words:
    words = icdar.read(root, split)[0].words
    assert words is not None
    return words


def test_lines_of_the_official_training_files(tree: Tree) -> None:
    """The form of ICDAR 2015: byte order mark, CRLF, ### for what nobody could read."""
    lines = [b"377,117,463,117,465,130,378,130,Genaxis Theatre", b"493,115,519,115,519,131,493,131,[06]"]
    lines += [b"374,155,409,155,409,170,374,170,###"]
    root = tree(BOM + b"\r\n".join(lines) + b"\r\n", b"")
    listing, mended = icdar.read(root, "train")
    assert list(listing.images) == ["train_images/img_1.jpg", "train_images/img_2.jpg"]
    assert listing.root == root
    assert listing.classes == ()
    assert (listing.targets.shape, listing.targets.dtype.name) == ((2, 0), "int8")
    assert listing.words is not None
    assert listing.words.counts.tolist() == [3, 0]
    first = listing.words.of(0)
    assert first.texts == ("Genaxis Theatre", "[06]", "###")
    assert first.cared.tolist() == [True, True, False]
    assert first.quads[0].tolist() == [[377, 117], [463, 117], [465, 130], [378, 130]]
    assert mended == Mended()


def test_commas_in_a_transcript_are_its_own(tree: Tree) -> None:
    """Splitting at every comma would cut it after the first."""
    root = tree(b"1,2,30,2,30,9,1,9,RM1,234.50, INCL. TAX,\n1,2,30,2,30,9,1,9,,\n")
    assert list(words_of(root).texts) == ["RM1,234.50, INCL. TAX,", ","]


def test_blanks_in_a_transcript_neither_split_it_nor_drop_its_image(tree: Tree) -> None:
    root = tree(b"1,2,30,2,30,9,1,9,  TAN WOON  YANN \n1,2,30,2,30,9,1,9,Ho Ho\n", b"1,2,30,2,30,9,1,9,a b c\n")
    listing, _ = icdar.read(root, "train")
    assert len(listing) == 2
    assert list(words_of(root).texts) == ["TAN WOON  YANN", "Ho Ho", "a b c"]


def test_anticlockwise_corners_are_turned_and_counted(tree: Tree) -> None:
    """Top left, bottom left, bottom right, top right: what reads from the first corner to the last."""
    root = tree(b"1,2,1,9,30,9,30,2,turned\n1,2,30,2,30,9,1,9,right\n")
    listing, mended = icdar.read(root, "train")
    assert listing.words is not None
    assert listing.words.quads.tolist() == [[[1, 2], [30, 2], [30, 9], [1, 9]]] * 2
    assert mended == Mended(turned=1)


def test_coordinates_may_be_decimal_negative_and_outside(tree: Tree) -> None:
    root = tree(b"-3, -4.5,30.25,-4.5, 3e1,9.,-3,+9 ,x\n")
    assert words_of(root).quads.tolist() == [[[-3, -4.5], [30.25, -4.5], [30, 9], [-3, 9]]]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"NO"', "NO"),
        ('"say \\"NO\\""', 'say "NO"'),
        ('"a\\\\b"', "a\\b"),
        ('"1,2"', "1,2"),
        ('"###"', "###"),
        ('  "NO" ', "NO"),
        ('""', ""),
        ('"', '"'),
        ('"REDEEMED', '"REDEEMED'),
        ('6"', '6"'),
        ('say "NO"', 'say "NO"'),
        ("a\\b", "a\\b"),
    ],
)
def test_a_transcript_in_double_quotes_is_taken_out_of_them(tree: Tree, written: str, text: str) -> None:
    root = tree(f"1,2,30,2,30,9,1,9,{written}\n".encode())
    assert list(words_of(root).texts) == [text]
    assert words_of(root).cared.tolist() == [text not in ("", "###")]


@pytest.mark.parametrize(
    "line",
    [
        '38, 43, 920, 215, "Tiredness"',
        '38 43 920 215 "Tiredness"',
        '38,43,920,215,"Tiredness"',
        '38 ,43 920,\t215 "Tiredness"',
    ],
)
def test_rectangles_of_2013(tree: Tree, line: str) -> None:
    words = words_of(tree(line.encode() + b"\r\n"))
    assert words.quads.tolist() == [[[38, 43], [920, 43], [920, 215], [38, 215]]]
    assert list(words.texts) == ["Tiredness"]


@pytest.mark.parametrize(
    ("written", "text"), [('"5,6,7,8,x"', "5,6,7,8,x"), ('"a, b"', "a, b"), ('"say \\"x\\""', 'say "x"')]
)
def test_transcripts_of_rectangles(tree: Tree, written: str, text: str) -> None:
    assert list(words_of(tree(f"1, 2, 30, 9, {written}\n".encode())).texts) == [text]


BAD_LINES = [
    ("377,117,463,117,465,130,378,Genaxis", "field 8, 'Genaxis', is no number; a line is x1,y1,"),
    (
        "377,117,463,117,465,130,378,130",
        "has 8 numbers and no transcript; a line is x1,y1,x2,y2,x3,y3,x4,y4,transcript",
    ),
    ("377,117,463,117", "has 4 numbers and no transcript"),
    ("377,117,463,117,Genaxis", "field 5, 'Genaxis', is no number"),
    ("nan,117,463,117,465,130,378,130,x", "field 1, 'nan', is no number"),
    ("3_7,117,463,117,465,130,378,130,x", "field 1, '3_7', is no number"),
    ("٣,117,463,117,465,130,378,130,x", "is no number"),
    ("one two three", 'or x1,y1,x2,y2,"transcript"'),
    ('30, 9, 1, 2, "x"', "1,2 is not right of and below 30,9"),
    ("1,1,1,1,9,9,1,9,x", "the outline 1,1 1,1 9,9 1,9 has two corners in one place"),
    ("1,1,5,1,9,1,7,1,x", "holds 0 square pixels"),
    ("1e999,1,5,1,9,1,7,1,x", "is not a finite number"),
]


@pytest.mark.parametrize(("line", "said"), BAD_LINES, ids=[line[:24] for line, _ in BAD_LINES])
def test_a_bad_line_is_named_with_file_and_line(tree: Tree, line: str, said: str) -> None:
    good = "1,2,30,2,30,9,1,9,x"
    root = tree(f"{good}\n\n{line}\n{good}\n".encode(), good.encode())
    with pytest.raises(DataError) as caught:
        icdar.read(root, "train")
    assert str(caught.value).startswith(f"{root / 'train_gts' / 'gt_img_1.txt'}:3: ")
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_bad_lines_of_all_files_are_told_at_once(tree: Tree) -> None:
    good = b"1,2,30,2,30,9,1,9,x\n"
    root = tree(b"a\n" * 5 + good, good, b"b\n" * 5 + b"1,1,1,1,9,9,1,9,x\n")
    with pytest.raises(DataError) as caught:
        icdar.read(root, "train")
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0].rpartition("_")[2] for line in lines[:8]] == [
        *(f"1.txt:{k}" for k in range(1, 6)),
        *(f"3.txt:{k}" for k in range(1, 4)),
    ]
    assert lines[8:] == ["and 3 more of the kind"]


PLACES = [
    (("val_images", "val_gts"), "val"),
    (("ch4_training_images", "ch4_training_localization_transcription_gt"), "train"),
    (("ch4_test_images", "Challenge4_Test_Task1_GT"), "test"),
    (("Challenge2_Training_Task12_Images", "Challenge2_Training_Task1_GT"), "train"),
    (("Challenge2_Test_Task12_Images", "Challenge2_Test_Task1_GT"), "test"),
    (("train", "train"), "train"),
    ((".", "."), "."),
]


@pytest.mark.parametrize(("folders", "split"), PLACES, ids=[folders[0] for folders, _ in PLACES])
def test_splits_are_found_where_they_lie(tree: Tree, folders: tuple[str, str], split: str) -> None:
    root = tree(b"1,2,30,2,30,9,1,9,x\n", folders=folders)
    assert icdar.splits(root) == [split]
    listing, _ = icdar.read(root, split)
    assert list(listing.images) == ["img_1.jpg" if split == "." else f"{folders[0]}/img_1.jpg"]


def test_several_splits_and_other_folders(tree: Tree) -> None:
    tree(b"", folders=("train", "train"))
    tree(b"", folders=("train_images", "train_gts"))
    root = tree(b"", folders=("val_images", "val_gts"))
    (root / "test_images").mkdir()
    (root / "docs").mkdir()
    assert icdar.splits(root) == ["train", "val"]
    assert icdar.read(root, "train")[0].images[0] == "train_images/img_1.jpg"
    with pytest.raises(DataError, match=r"no split 'test': there is no test_images/ with test_gts/, nor test/ with .*"):
        icdar.read(root, "test")
    with pytest.raises(DataError, match="it has the splits 'train', 'val'"):
        icdar.read(root, "test")


def test_no_split_at_all(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages").mkdir()
    assert icdar.splits(tmp_path) == icdar.splits(tmp_path / "nowhere") == []
    with pytest.raises(DataError, match="it has the folders 'JPEGImages'"):
        icdar.read(tmp_path, "train")
    with pytest.raises(DataError, match=r"nowhere: no split 'train': .*; nor that folder"):
        icdar.read(tmp_path / "nowhere", "train")


def test_such_a_listing_is_folded_like_any_other(tree: Tree) -> None:
    listing, _ = icdar.read(tree(*[b"1,2,30,2,30,9,1,9,x\n"] * 6), "train")
    assert sorted(i for part in folds(listing.targets, 3, 0) for i in part) == list(range(6))


@pytest.mark.real
def test_real_receipts_are_read_to_the_last_byte(real_data: Path) -> None:
    """Written again with a mark and CRLF, the words of all 300 files are those files; 250 and 50 by their README."""
    root = real_data / "sroie"
    assert icdar.splits(root) == ["train", "val"]
    for split, n_images, n_words in (("train", 250, 13002), ("val", 50, 2846)):
        listing, mended = icdar.read(root, split)
        assert listing.words is not None
        assert (len(listing), len(listing.words.texts)) == (n_images, n_words)
        assert mended == Mended()
        assert listing.words.cared.all()
        for i, name in enumerate(listing.images):
            found = listing.words.of(i)
            corners = found.quads.reshape(-1, 8).astype(int).astype(str).tolist()
            lines = [",".join([*numbers, text]) for numbers, text in zip(corners, found.texts, strict=True)]
            path = root / f"{split}_gts" / f"gt_{Path(name).stem}.txt"
            written = path.read_bytes().removeprefix(BOM).replace(b" \r\n", b"\r\n")
            assert "".join(f"{line}\r\n" for line in lines).encode() == written
