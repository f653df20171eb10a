"""Text files of words beside images: bytes, ends of lines, and which file belongs to which image."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.data.word_files import are_together, listing_of, quad_of
from saccade.errors import DataError

BOM = b"\xef\xbb\xbf"
QUAD = b"1,2,30,2,30,9,1,9,"


@pytest.fixture
def root(tmp_path: Path, jpeg: Callable[..., Path]) -> Path:
    jpeg(tmp_path / "img_1.jpg")
    return tmp_path


def texts(root: Path) -> list[str]:
    words = listing_of(root, ".", ".", (".txt",), quad_of)[0].words
    assert words is not None
    return list(words.texts)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n", b"\r"], ids=["unix", "windows", "twice windows", "old mac"])
@pytest.mark.parametrize("mark", [b"", BOM], ids=["plain", "bom"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "open"])
def test_marks_and_ends_of_lines(root: Path, end: bytes, mark: bytes, last: bool) -> None:
    text = mark + end.join([QUAD + b"one", QUAD + b"two, three"]) + (end if last else b"")
    (root / "gt_img_1.txt").write_bytes(text)
    assert texts(root) == ["one", "two, three"]


def test_a_byte_order_mark_may_stand_on_any_line(root: Path) -> None:
    """Files that were joined have one in the middle; float() would refuse the line, or it would be dropped."""
    (root / "gt_img_1.txt").write_bytes(BOM + QUAD + b"one\r\n" + BOM + QUAD + b"two\r\n" + BOM)
    assert texts(root) == ["one", "two"]


def test_letters_are_utf8_whatever_the_platform_thinks(root: Path) -> None:
    """A process whose own encoding is ASCII reads the same letters."""
    (root / "gt_img_1.txt").write_bytes(QUAD + "CAFÉ ☕".encode() + b"\n")
    assert texts(root) == ["CAFÉ ☕"]
    code = (
        "import locale, sys; from pathlib import Path; from saccade.data import icdar\n"
        "words = icdar.read(Path(sys.argv[1]), '.')[0].words\n"
        "print(locale.getpreferredencoding(False), ascii(words.texts[0]))"
    )
    own = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = subprocess.run(
        [sys.executable, "-c", code, str(root)], env={**os.environ, **own}, capture_output=True, text=True, check=True
    )
    encoding, _, text = found.stdout.strip().partition(" ")
    assert "UTF" not in encoding.upper()
    assert text == ascii("CAFÉ ☕")


def test_only_ends_of_lines_end_lines(root: Path) -> None:
    """str.splitlines would cut these transcripts in two."""
    (root / "gt_img_1.txt").write_bytes(QUAD + "a\u2028b\x0bc\x85d".encode() + b"\n")
    assert texts(root) == ["a\u2028b\x0bc\x85d"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (QUAD + b"CAF\xc9S\n", "gt_img_1.txt:2: not UTF-8 text (invalid continuation byte at byte 21 of the line)"),
        ("1,2,30,2,30,9,1,9,x\r\n".encode("utf-16"), "gt_img_1.txt:2: not UTF-8 text (invalid start byte at byte 0"),
    ],
    ids=["latin-1", "utf-16"],
)
def test_other_letters_than_utf8_are_named_with_their_line(root: Path, text: bytes, said: str) -> None:
    (root / "gt_img_1.txt").write_bytes(b"\n" + text)
    with pytest.raises(DataError) as caught:
        texts(root)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", [b"", BOM, b"\r\n", b" \n\n"], ids=["empty", "bom", "line end", "blanks"])
def test_an_empty_file_is_an_image_without_words(root: Path, text: bytes) -> None:
    (root / "gt_img_1.txt").write_bytes(text)
    assert texts(root) == []


def test_an_image_without_its_file_and_a_file_without_its_image(root: Path, jpeg: Callable[..., Path]) -> None:
    jpeg(root / "img_2.jpg")
    for name in ("gt_img_2.txt", "gt_img_11.txt", "img_3.txt", ".gt_img_4.txt", "notes.md"):
        (root / name).write_bytes(b"")
    with pytest.raises(DataError) as caught:
        texts(root)
    assert str(caught.value).splitlines() == [
        f"{root / 'img_1.jpg'}: has no file gt_img_1.txt or img_1.txt in {root}",
        f"{root / 'gt_img_11.txt'}: has no image in {root}",
        f"{root / 'img_3.txt'}: has no image in {root}",
    ]


def test_two_files_for_an_image_and_two_images_for_a_file(root: Path, jpeg: Callable[..., Path]) -> None:
    jpeg(root / "img_2.jpg")
    jpeg(root / "img_2.jpeg")
    for name in ("gt_img_1.txt", "img_1.txt", "gt_img_2.txt"):
        (root / name).write_bytes(b"")
    with pytest.raises(DataError) as caught:
        texts(root)
    assert str(caught.value).splitlines() == [
        f"{root / 'img_1.jpg'}: has the files 'gt_img_1.txt', 'img_1.txt' in {root}; keep one of them",
        f"{root / 'img_2.jpg'}: 'img_2.jpeg' has the same name, and the words are those of one",
    ]


def test_missing_files_are_eight_and_a_number(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    for i in range(10):
        jpeg(tmp_path / f"{i}.jpg")
    with pytest.raises(DataError) as caught:
        texts(tmp_path)
    assert len(str(caught.value).splitlines()) == 9
    assert str(caught.value).endswith("and 2 more of the kind")


def test_no_folder_and_no_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no image in it"):
        texts(tmp_path)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        texts(tmp_path / "nowhere")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(DataError, match="gts: no such folder"):
        listing_of(tmp_path, ".", "gts", (".txt",), quad_of)


def test_a_folder_where_a_file_should_be(root: Path) -> None:
    (root / "gt_img_1.txt").mkdir()
    with pytest.raises(DataError, match=r"gt_img_1\.txt: cannot be read \(Is a directory\)"):
        texts(root)


def test_images_and_texts_together(root: Path) -> None:
    assert not are_together(root, "", (".txt",))
    (root / "readme.txt").touch()
    assert are_together(root, "", (".txt",))
    assert not are_together(root, "gt_", (".txt",))
    assert not are_together(root / "nowhere", "", (".txt",))


def test_letters_as_which_a_mark_shows_in_latin_1_stay(root: Path) -> None:
    """Taking "ï»¿" off every line takes these letters off the ends of transcripts."""
    said = ["naï", "«a»", "QUÉ¿", "»"]
    (root / "gt_img_1.txt").write_bytes(BOM + b"".join(QUAD + text.encode() + b"\r\n" for text in said))
    assert texts(root) == said
