"""Zips and folders of small text files: which of them are taken, and what is said of the others."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

import pytest

from saccade.data import text_bundles
from saccade.data.text_bundles import LEXICONS, RESULTS, TRUTH, read_bundle, read_text
from saccade.errors import DataError

MAKERS = ("zip", "folder")


def bundle(path: Path, files: dict[str, str | bytes], kind: str = "zip") -> Path:
    contents = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in contents.items():
                archive.writestr(name, data)
    else:
        for name, data in contents.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


@pytest.mark.parametrize("kind", MAKERS)
def test_files_are_told_by_their_names(tmp_path, kind):
    files = {
        "gt_img_1.txt": "a",
        "gt_img_2.txt": "",
        "gt_a.b c.txt": "b",
        "gt_.txt": "no image",
        "img_3.txt": "another",
        "gt_img_4.TXT": "another",
        "res_img_5.txt": "another",
        "gt_img_6.txt.bak": "another",
        "photo.jpg": b"\xff\xd8",
        ".gt_img_7.txt": "hidden",
    }
    path = bundle(tmp_path / "it", files, kind)
    found = read_bundle(path, TRUTH)
    assert {image: file.text for image, file in found.items()} == {"img_1": "a", "img_2": "", "a.b c": "b"}
    between = "!" if kind == "zip" else "/"
    assert found["img_1"].place == f"{path}{between}gt_img_1.txt"


@pytest.mark.parametrize("kind", MAKERS)
def test_strict_kinds_stand_alone(tmp_path, kind):
    files = {
        "res_img_1.txt": "",
        "img_2.txt": "",
        "log.txt": "",
        ".DS_Store": b"\x00",
        "__MACOSX/._res_img_1.txt": b"\x00",
    }
    path = bundle(tmp_path / "it", files, kind)
    with pytest.raises(
        DataError, match=re.escape(f"{path}: holds 'img_2.txt', 'log.txt'; expected a zip or folder of")
    ):
        read_bundle(path, RESULTS)
    del files["img_2.txt"], files["log.txt"]
    assert list(read_bundle(bundle(tmp_path / "other", files, kind), RESULTS)) == ["img_1"]


def test_files_of_a_zip_may_lie_in_a_folder_but_be_there_once(tmp_path):
    path = bundle(tmp_path / "a.zip", {"res/res_img_1.txt": "x", "res/res_img_2.txt": "y"})
    assert read_bundle(path, RESULTS)["img_2"] == (f"{path}!res/res_img_2.txt", "y")
    path = bundle(tmp_path / "b.zip", {"a/res_img_1.txt": "x", "b/res_img_1.txt": "y"})
    with pytest.raises(DataError) as told:
        read_bundle(path, RESULTS)
    assert (
        str(told.value)
        == f"{path}!b/res_img_1.txt: a second file of image 'img_1', which {path}!a/res_img_1.txt is of already"
    )


def test_names_that_lead_out_of_a_zip_lead_nowhere(tmp_path):
    (tmp_path / "in").mkdir()
    path = bundle(tmp_path / "in" / "a.zip", {"../../res_img_1.txt": "x"})
    assert read_bundle(path, RESULTS) == {"img_1": (f"{path}!../../res_img_1.txt", "x")}
    assert [p.name for p in tmp_path.rglob("*.txt")] == []


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xef\xbb\xbfcaf\xc3\xa9\r\n", "café\r\n"),
        (b"", ""),
        (b"\xef\xbb\xbf", ""),
        ("a\u2028b".encode(), "a\u2028b"),
    ],
)
def test_text_is_utf_8_with_or_without_a_mark(tmp_path, data, text):
    assert read_bundle(bundle(tmp_path / "a.zip", {"gt_1.txt": data}), TRUTH)["1"].text == text
    (tmp_path / "b.txt").write_bytes(data)
    assert read_text(tmp_path / "b.txt") == (str(tmp_path / "b.txt"), text)


def test_text_that_is_not_utf_8_is_named_by_line(tmp_path):
    path = bundle(tmp_path / "a.zip", {"gt_1.txt": b"good\r\ncaf\xe9\n"})
    with pytest.raises(DataError, match=re.escape(f"{path}!gt_1.txt:2: not UTF-8 text (")):
        read_bundle(path, TRUTH)
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none.txt'}: cannot be read (No such file")):
        read_text(tmp_path / "none.txt")


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    ("files", "wanted", "said"),
    [
        ({"gt_img_1.txt": ""}, RESULTS, "holds ground truth (gt_img_1.txt); results come first, and "),
        ({"res_img_1.txt": ""}, TRUTH, "holds results (res_img_1.txt); results come first, and the ground truth"),
        ({"img_1.txt": "", "img_2.txt": ""}, RESULTS, "holds 'img_1.txt', 'img_2.txt'; expected a zip or folder of"),
        ({"1.txt": "", "2.txt": "", "3.txt": "", "4.txt": ""}, TRUTH, "holds '1.txt', '2.txt', '3.txt', and 1 more"),
        ({".hidden": ""}, TRUTH, "holds no file; expected a zip or folder of ground truth, in files"),
        ({"words.txt": ""}, LEXICONS, "in files such as voc_img_1.txt"),
    ],
)  # fmt: skip
def test_where_nothing_of_the_kind_is_it_is_told_what_is(tmp_path, kind, files, wanted, said):
    path = bundle(tmp_path / "it", files, kind)
    with pytest.raises(DataError, match=re.escape(said)) as told:
        read_bundle(path, wanted)
    assert str(told.value).startswith(f"{path}: ")


def test_what_is_neither_zip_nor_folder(tmp_path):
    with pytest.raises(DataError, match=r"none: no such file or folder; expected a zip or folder of results"):
        read_bundle(tmp_path / "none", RESULTS)
    (tmp_path / "res_img_1.txt").write_text("1,2,3")
    with pytest.raises(DataError, match=r"res_img_1.txt: no zip that can be read \(.*\); expected a zip or folder"):
        read_bundle(tmp_path / "res_img_1.txt", RESULTS)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(DataError, match="holds no file"):
        read_bundle(tmp_path / "empty.zip", RESULTS)


def test_damaged_zips(tmp_path):
    path = bundle(tmp_path / "a.zip", {"res_img_1.txt": "word " * 1000})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="no zip that can be read"):
        read_bundle(path, RESULTS)
    path.write_bytes(whole[:60] + b"\x00\x00\x00" + whole[63:])
    with pytest.raises(DataError, match="no zip that can be read"):
        read_bundle(path, RESULTS)
    locked = bytearray(whole)
    locked[6] |= 1  # the bit that says that a password is needed, in both headers
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(locked))
    with pytest.raises(DataError, match=r"no zip that can be read \(.*password"):
        read_bundle(path, RESULTS)


def test_a_zip_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(text_bundles, "_LIMIT", 1000)
    path = bundle(tmp_path / "a.zip", {"res_img_1.txt": "x" * 600, "res_img_2.txt": "x" * 600})
    with pytest.raises(DataError, match=re.escape(f"{path}: unpacks to 1,200 bytes of text, and 1,000 is all")):
        read_bundle(path, RESULTS)
    # what is not read may have any size
    path = bundle(tmp_path / "b.zip", {"gt_img_1.txt": "x", "photo.png": "x" * 2000})
    assert read_bundle(path, TRUTH)["img_1"].text == "x"


def test_a_zip_that_lies_about_sizes_gives_no_more_than_it_says(tmp_path):
    path = bundle(tmp_path / "a.zip", {"res_img_1.txt": "x" * 10**6})
    data = path.read_bytes()
    central = data.index(b"PK\x01\x02")
    path.write_bytes(data[: central + 24] + struct.pack("<I", 10) + data[central + 28 :])
    with pytest.raises(DataError, match="no zip that can be read"):
        read_bundle(path, RESULTS)
