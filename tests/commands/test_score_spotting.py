"""``saccade score spotting`` on files as ICDAR 2015 has them, and what it says of every mistake on the way there."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import saccade as package

Saccade = Callable[..., Any]

TRUTH = {
    "gt_img_1.txt": "\ufeff0,0,40,0,40,10,0,10,Hotel\r\n50,0,90,0,90,10,50,10,###\r\n",
    "gt_img_2.txt": '0,0,40,0,40,10,0,10,"24,7"\r\n0,20,40,20,40,30,0,30,(Sale!)\r\n',
    "gt_img_3.txt": "",
}
RESULTS = {
    "res_img_1.txt": "1,0,41,0,41,10,1,10,H0TEL\n50,0,90,0,90,10,50,10,unread\n",
    "res_img_2.txt": "0,20,40,20,40,30,0,30,Sale!\n0,50,40,50,40,60,0,60,nothing\n",
}
# Cared for are 3 words, of which 2 are found, and 3 of the 4 detections. H0TEL is not Hotel, and (Sale!) may lose its
# bracket. In spotting 24,7 drops out, and nothing may be missing of what was read: Sale! is not Sale.
KNOWN = {
    "detection": {"precision": 2 / 3, "recall": 2 / 3, "hmean": 2 / 3},
    "end_to_end": {"precision": 1 / 3, "recall": 1 / 3, "hmean": 1 / 3},
    "word_spotting": {"precision": 0.0, "recall": 0.0, "hmean": 0.0},
    "cer": (4 + 2) / (5 + 7),  # H0TEL for Hotel, Sale! for (Sale!)
    "word_accuracy": 0.0,
    "n": 3,
}


def packed(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def unpacked(path: Path, files: dict[str, str]) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8", newline="")
    return path


@pytest.fixture
def zips(tmp_path: Path) -> tuple[Path, Path]:
    return packed(tmp_path / "results.zip", RESULTS), packed(tmp_path / "gt.zip", TRUTH)


def refused(said: Any) -> str:
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ")
    return said.err.removeprefix("error: ").replace("\n", " ").strip()


def test_zips_and_folders_give_the_same(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade) -> None:
    said = saccade("score", "spotting", *zips, "--json")
    assert said.code == 0, said.err
    numbers = json.loads(said.out)
    assert list(numbers) == list(KNOWN)
    assert numbers == {
        name: pytest.approx(value, abs=1e-12) if isinstance(value, dict) else value for name, value in KNOWN.items()
    }
    assert "1 of 3 images have no results: nothing was found in them" in said.err
    folders = unpacked(tmp_path / "results", RESULTS), unpacked(tmp_path / "gt", TRUTH)
    assert saccade("score", "spotting", *folders, "--json").out == said.out
    found = package.score_spotting(*zips)
    assert found.metrics == {name: numbers[name] for name in ("detection", "end_to_end", "word_spotting")}
    assert found.per_image["detection"] == pytest.approx([1.0, 0.5, 1.0])


def test_the_table_says_the_same(zips: tuple[Path, Path], saccade: Saccade) -> None:
    said = saccade("score", "spotting", *zips)
    assert said.code == 0
    rows = {line.split("│")[1].strip(): line for line in said.out.splitlines() if line.startswith("│")}
    assert list(rows) == ["detection", "end_to_end", "word_spotting"]
    assert rows["detection"].count("0.6667") == 3
    assert said.out.startswith("3 images")
    below = [line.strip() for line in said.out.splitlines()[-2:]]
    assert below == ["cer 0.5000, word_accuracy 0.0000", "of 2 matched words"]


# --- lexicons


@pytest.mark.parametrize("words", ["Hotel\nMotel\n(Sale!)\n", "\ufeffhotel\r\n\r\n(sale!)\r\n"])
def test_a_lexicon_mends_what_was_read(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade, words: str) -> None:
    (tmp_path / "words.txt").write_text(words, encoding="utf-8", newline="")
    said = saccade("score", "spotting", *zips, "--lexicon", tmp_path / "words.txt", "--json")
    numbers = json.loads(said.out)
    # nothing becomes one of the words too, which changes no match
    assert numbers["detection"] == KNOWN["detection"]
    assert numbers["end_to_end"]["hmean"] == pytest.approx(2 / 3)
    assert numbers["word_spotting"]["recall"] == 0.5  # (Sale!) is not Sale
    assert numbers["cer"] == (0.0 if words.startswith("Hotel") else pytest.approx((1 + 1) / 12))


@pytest.mark.parametrize("make", [packed, unpacked])
def test_images_may_have_lexicons_of_their_own(
    zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade, make: Callable[[Path, dict[str, str]], Path]
) -> None:
    own = {"voc_img_1.txt": "Hotel\nMotel\n", "voc_img_2.txt": "Hotel\n"}
    path = make(tmp_path / "strong", own)
    numbers = json.loads(saccade("score", "spotting", *zips, "--lexicon", path, "--json").out)
    assert numbers["end_to_end"]["recall"] == pytest.approx(1 / 3)
    path = make(tmp_path / "half", {"voc_img_1.txt": "Hotel\n"})
    said = refused(saccade("score", "spotting", *zips, "--lexicon", path))
    assert said == f"{path}: no lexicon of 1 image with results: 'img_2'"


def test_lexicons_that_are_none(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade) -> None:
    path = tmp_path / "words.txt"
    assert f"{path}: cannot be read (No such file" in refused(saccade("score", "spotting", *zips, "--lexicon", path))
    path.write_text("\n\n")
    assert refused(saccade("score", "spotting", *zips, "--lexicon", path)).startswith(f"{path}: holds no word; ")
    path.write_text("Hotel\n")
    bare = packed(tmp_path / "bare.zip", {"res_img_1.txt": "0,0,40,0,40,10,0,10\n"})
    said = refused(saccade("score", "spotting", bare, zips[1], "--lexicon", path))
    assert said.endswith(f"{path}: a lexicon is for what was read, and the results have no transcripts")


# --- results with more or less in a line


def test_results_without_transcripts(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade) -> None:
    bare = {name: text.replace("H0TEL", "").replace("unread", "") for name, text in RESULTS.items()}
    lines = {
        name: "".join(",".join(line.split(",")[:8]) + "\n" for line in text.splitlines()) for name, text in bare.items()
    }
    said = saccade("score", "spotting", packed(tmp_path / "bare.zip", lines), zips[1], "--json")
    assert json.loads(said.out) == {"detection": pytest.approx(KNOWN["detection"]), "n": 3}
    assert "the results have no transcripts: detection alone is scored" in said.err
    said = saccade("score", "spotting", tmp_path / "bare.zip", zips[1])
    assert "cer" not in said.out


def test_results_with_confidences(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade) -> None:
    # the wrong one of the second image is the surest: precision 1 / 2 and 2 / 3 at the two right ones, of 3 words
    confidences = iter(("0.8", "0.1", "0.7", "0.9"))
    lines = {
        name: "".join(
            ",".join([*line.split(",")[:8], next(confidences), line.split(",")[8]]) + "\n" for line in text.splitlines()
        )
        for name, text in RESULTS.items()
    }
    sure = packed(tmp_path / "sure.zip", lines)
    said = saccade("score", "spotting", sure, zips[1], "--json")
    numbers = json.loads(said.out)
    assert numbers["detection"] == pytest.approx(KNOWN["detection"] | {"average_precision": (1 / 2 + 2 / 3) / 3})
    assert numbers["cer"] == KNOWN["cer"]
    assert "the numbers after the corners are taken as confidences" in said.err
    assert "average precision" in saccade("score", "spotting", sure, zips[1]).out
    numbers = json.loads(saccade("score", "spotting", sure, zips[1], "--no-confidences", "--json").out)
    assert list(numbers["detection"]) == ["precision", "recall", "hmean"]
    assert numbers["cer"] > 1 / 2  # "0.8,H0TEL"


# --- mistakes


def test_arguments_the_wrong_way_round(zips: tuple[Path, Path], saccade: Saccade) -> None:
    results, truth = zips
    said = refused(saccade("score", "spotting", truth, results))
    assert said.startswith(
        f"{results}: holds results (res_img_1.txt); results come first, and the ground truth second; expected a zip or "
    )
    said = refused(saccade("score", "spotting", truth, truth))
    assert said.startswith(
        f"{truth}: holds ground truth (gt_img_1.txt); results come first, and the ground truth second"
    )


@pytest.mark.parametrize("name", ["img_1.txt", "1.txt", "res_img_1.csv", "gt_res_img_1.json"])
def test_files_of_other_names(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade, name: str) -> None:
    path = packed(tmp_path / "named.zip", {name: RESULTS["res_img_1.txt"]})
    assert refused(saccade("score", "spotting", path, zips[1])) == (
        f"{path}: holds {name!r}; expected a zip or folder of results, in files such as res_img_1.txt"
    )


def test_results_of_another_split(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade) -> None:
    path = packed(tmp_path / "other.zip", {"res_img_501.txt": ""})
    assert refused(saccade("score", "spotting", path, zips[1])) == (
        f"{path}!res_img_501.txt: the ground truth has no image 'img_501'; it has 'img_1', 'img_2', 'img_3'"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1.5,0,41,0,41,10,1,10,x", "number 1 is 1.5, and corners are whole pixels here: round them"),
        ("0,0,0,10,40,10,40,0,x", "Points are not clockwise. The coordinates of bounding quadrilaterals have to be"),
        ("0,0,40,10,x", "number 5 of eight is 'x'; a line is x1,y1,x2,y2,x3,y3,x4,y4,transcript, with whole numbers"),
    ],
)
def test_bad_lines(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade, line: str, said: str) -> None:
    results = {**RESULTS, "res_img_3.txt": f"0,0,40,0,40,10,0,10,x\n{line}\n"}
    path = packed(tmp_path / "bad.zip", results)
    assert refused(saccade("score", "spotting", path, zips[1])).startswith(f"{path}!res_img_3.txt:2: {said}")
    folder = unpacked(tmp_path / "bad", results)
    place = folder / "res_img_3.txt"
    assert refused(saccade("score", "spotting", folder, zips[1])).startswith(f"{place}:2: {said}")


def test_no_such_file_and_no_zip(zips: tuple[Path, Path], tmp_path: Path, saccade: Saccade) -> None:
    results, truth = zips
    assert refused(saccade("score", "spotting", tmp_path / "none.zip", truth)).startswith(
        f"{tmp_path / 'none.zip'}: no such file or folder; expected a zip or folder of results"
    )
    plain = tmp_path / "res_img_1.txt"
    plain.write_text(RESULTS["res_img_1.txt"])
    assert refused(saccade("score", "spotting", plain, truth)).startswith(f"{plain}: no zip that can be read")
    assert refused(saccade("score", "spotting", results, tmp_path / "gt")).startswith(
        f"{tmp_path / 'gt'}: no such file or folder; expected a zip or folder of ground truth"
    )


def test_no_torch_is_imported(zips: tuple[Path, Path]) -> None:
    program = (
        "import sys; from saccade.cli import main; sys.argv = ['saccade', *sys.argv[1:]]\n"
        "main.__globals__['app'](standalone_mode=False)\n"
        "heavy = ('torch', 'torchvision', 'lightning', 'timm', 'matplotlib', 'polars', 'PIL', 'saccade.config')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "score", "spotting", *map(str, zips), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["n"] == 3
    assert done.stderr.splitlines()[-1] == "[]"
