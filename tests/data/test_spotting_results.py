"""Lines of ICDAR 2015's files: what is taken as it stands, and what is refused, by file and line."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from saccade.data.spotting_results import read_ground_truth, read_results
from saccade.errors import DataError

BOX = "0,0,40,0,40,10,0,10"
QUAD = [[0, 0], [40, 0], [40, 10], [0, 10]]


def packed(path: Path, prefix: str, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for image, text in files.items():
            archive.writestr(f"{prefix}_{image}.txt", text)
    return path


@pytest.fixture
def truth(tmp_path):
    def read(text: str | bytes):
        return read_ground_truth(packed(tmp_path / "gt.zip", "gt", {"img_1": text}))["img_1"]

    return read


@pytest.fixture
def results(tmp_path):
    def read(text: str | bytes, **options):
        return read_results(packed(tmp_path / "res.zip", "res", {"img_1": text}), ["img_1"], **options)["img_1"]

    return read


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"{BOX},Hotel", "Hotel"),
        (f"{BOX},Hotel, Bar, 24/7", "Hotel, Bar, 24/7"),  # commas belong to the transcript
        (f"{BOX}, Hotel ", " Hotel "),  # and so do blanks
        (f"{BOX},", ""),
        (f"{BOX},###", "###"),
        (f'{BOX},"Hotel"', "Hotel"),
        (f'{BOX}, "Hotel" ', "Hotel"),  # quotes may have blanks around them
        (f'{BOX},"###"', "###"),
        (f'{BOX},"say ""x"""', 'say ""x""'),
        (rf'{BOX},"a \"b\" c\\d"', r'a "b" c\d'),
        (f'{BOX},"Hotel', '"Hotel'),  # quotes on one side belong to it
        (f'{BOX},"', '"'),
        (f'{BOX},""', ""),
        (f'{BOX},"Hotel", Bar', '"Hotel", Bar'),
        (f"{BOX},a\u2028b\x0cc", "a\u2028b\x0cc"),  # neither of these ends a line
        (" 0 , 0 , 40 ,0,\t40,10,0,10 ,Café", "Café"),
    ],
)
def test_transcripts_are_the_rest_of_the_line(truth, results, line, text):
    for read in (truth, results):
        found = read(line)
        assert found.texts == (text,)
        assert found.quads.tolist() == [QUAD]
        assert found.confidences is None


def test_marks_and_ends_of_lines(truth):
    text = f"\ufeff{BOX},Hotel\r\n\r\n{BOX},Bar\n  \n-5,-6,40,0,40,10,0,10,\r\n"
    found = truth(text)
    assert found.texts == ("Hotel", "Bar", "")
    assert found.quads.shape == (3, 4, 2)
    assert found.quads[2, 0].tolist() == [-5, -6]
    assert truth("").quads.shape == (0, 4, 2)
    assert truth(b"\xef\xbb\xbf\r\n").texts == ()


CLOCKWISE = "Points are not clockwise. The coordinates of bounding quadrilaterals have to be given in clockwise order."


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0,0,0,10,40,10,40,0,x", CLOCKWISE),
        ("0.5,0,40,0,40,10,0,10,x", "number 1 is 0.5, and corners are whole pixels here: round them"),
        (
            "0,0,40,0,40,1e1,0,10,x",
            "number 6 of eight is '1e1'; a line is x1,y1,x2,y2,x3,y3,x4,y4,transcript, with whole",
        ),
        ("0,0,40,10,Hotel", "number 5 of eight is 'Hotel'; a line is"),
        ("0,0,40,0,40,10", "has 6 numbers; a line is x1,y1"),
        ("0 0 40 0 40 10 0 10 Hotel", "number 1 of eight is '0 0 40 0 40 10 0 10 Hotel'"),
        ("hello", "number 1 of eight is 'hello'"),
        (",,,,,,,,", "number 1 of eight is ''"),
        ("0,0,40,0,40,10,0,+10,x", "number 8 of eight is '+10'"),
        ("0,0,40,0,40,10,0,\u0661,x", "number 8 of eight is"),  # a digit, but not 0 to 9
        (f"{'9' * 5000},0,40,0,40,10,0,10,x", "number 1 of eight is '9999"),
        ("0,0,40,0,40,10,0,10 x", "number 8 of eight is '10 x'"),
    ],
)
def test_lines_that_hold_no_word(tmp_path, truth, results, line, said):
    for read, name in ((truth, "gt"), (results, "res")):
        with pytest.raises(DataError, match=re.escape(said)) as told:
            read(f"{BOX},fine\r\n\r\n{line}\n{BOX},fine")
        assert str(told.value).startswith(f"{tmp_path / name}.zip!{name}_img_1.txt:3: ")
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "corners",
    [
        "0,0,0,0,0,0,0,0",  # a point
        "0,0,40,0,0,0,40,0",  # a line
        "0,0,40,40,40,0,0,40",  # crossed, both wings alike
        "-40,-10,0,-10,0,0,-40,0",  # left of and above the image
    ],
)
def test_the_official_test_of_the_order_lets_pass(truth, corners):
    assert truth(f"{corners},x").quads.reshape(-1).tolist() == [int(n) for n in corners.split(",")]


def test_all_bad_lines_of_all_files_are_told_up_to_ten(tmp_path):
    path = packed(tmp_path / "gt.zip", "gt", {f"img_{i}": f"{BOX},fine\nbad\nworse" for i in range(6)})
    with pytest.raises(DataError) as told:
        read_ground_truth(path)
    lines = str(told.value).splitlines()
    assert [line.partition(": ")[0] for line in lines[:3]] == [
        f"{path}!gt_img_0.txt:2", f"{path}!gt_img_0.txt:3", f"{path}!gt_img_1.txt:2",
    ]  # fmt: skip
    assert lines[10:] == ["and 2 more of the kind"]


def test_truth_without_a_transcript(truth):
    with pytest.raises(DataError, match=re.escape("gt_img_1.txt:2: has no transcript; a line is x1,y1,x2,y2")):
        truth(f"{BOX},fine\n{BOX}")


def test_truth_is_never_read_as_confidences(truth):
    assert truth(f"{BOX},0.50\n{BOX},0.99").texts == ("0.50", "0.99")


# --- images


def test_images_without_a_file_have_no_results(tmp_path):
    path = packed(tmp_path / "res.zip", "res", {"img_2": f"{BOX},0.5,x"})
    found = read_results(path, ["img_1", "img_2", "img_3"])
    assert [len(of.quads) for of in found.values()] == [0, 1, 0]
    assert list(found) == ["img_1", "img_2", "img_3"]
    assert (found["img_1"].texts, found["img_2"].texts) == ((), ("x",))
    assert found["img_1"].confidences.tolist() == []


def test_results_of_an_unknown_image(tmp_path):
    path = packed(tmp_path / "res.zip", "res", {"img_1": "", "img_01": "", "img_7": ""})
    with pytest.raises(DataError) as told:
        read_results(path, ["img_1", "img_2", "img_3", "img_4"])
    known = "it has 'img_1', 'img_2', 'img_3', and 1 more"
    assert str(told.value).splitlines() == [
        f"{path}!res_{image}.txt: the ground truth has no image {image!r}; {known}" for image in ("img_01", "img_7")
    ]


# --- confidences and transcripts


@pytest.mark.parametrize("options", [{}, {"confidences": True}])
def test_confidences_before_transcripts(results, options):
    found = results(f'{BOX},0.93,Hotel\n{BOX}, 1 ,"a, b"\n{BOX},0,0.5\n{BOX},2.5e-3,', **options)
    assert found.texts == ("Hotel", "a, b", "0.5", "")
    assert found.confidences.tolist() == [0.93, 1, 0, 0.0025]


@pytest.mark.parametrize("options", [{}, {"confidences": True}])
def test_confidences_alone(results, options):
    found = results(f"{BOX},0.93\n{BOX},0.5 ", **options)
    assert found.texts is None
    assert found.confidences.tolist() == [0.93, 0.5]


def test_corners_alone(results):
    found = results(f"{BOX}\n{BOX} \n")
    assert (found.texts, found.confidences) == (None, None)
    assert found.quads.shape == (2, 4, 2)


@pytest.mark.parametrize("options", [{}, {"confidences": False}])
def test_transcripts_some_of_which_are_numbers(results, options):
    found = results(f"{BOX},Hotel\n{BOX},0.50\n{BOX},Bar\n{BOX},1,2\n{BOX},Inn", **options)
    assert found.texts == ("Hotel", "0.50", "Bar", "1,2", "Inn")
    assert found.confidences is None


def test_whoever_knows_says_so(results):
    assert results(f"{BOX},0.93,Hotel", confidences=False).texts == ("0.93,Hotel",)
    assert results(f"{BOX},1", confidences=True).confidences.tolist() == [1]
    assert results(f"{BOX},1", confidences=False).texts == ("1",)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (f"{BOX},7", 1, "after the corners comes '7', and 1 of 1 line has a number there; say --confidences"),
        (
            f"{BOX},0.9,a\n{BOX},Hotel\n{BOX},0.8,b",
            2,
            "after the corners comes 'Hotel', and 2 of 3 lines have a number",
        ),
        (f"{BOX},0.9\n{BOX}", 2, "after the corners comes '', and 1 of 2 lines"),
        (f"{BOX},0.9,a\n{BOX},12.5,b", 2, "'12.5' after the corners is no confidence, which is a number from 0 to 1"),
        (f"{BOX},Hotel\n{BOX},Bar\n{BOX}", 3, "has no transcript, as 1 of 3 lines; all of them take one, or none does"),
        (f"{BOX},0.9,Hotel\n{BOX},0.8", 2, "has no transcript, as 1 of 2 lines"),
    ],
)
def test_lines_that_can_be_taken_either_way_or_differ(tmp_path, results, text, place, said):
    with pytest.raises(DataError, match=re.escape(said)) as told:
        results(text)
    assert str(told.value).startswith(f"{tmp_path / 'res.zip'}!res_img_1.txt:{place}: ")


@pytest.mark.parametrize("rest", [",Hotel", "", ",-0.5,a", ",nan,a", ",1.01", ",.,a"])
def test_confidences_that_are_none(results, rest):
    with pytest.raises(DataError, match=r"res_img_1\.txt:2: '.*' after the corners is no confidence"):
        results(f"{BOX},0.9,a\n{BOX}{rest}", confidences=True)
