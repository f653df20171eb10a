"""The section of explanations: the newest of each method, with its pictures in the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from saccade.errors import RunError
from saccade.files import write_json
from saccade.report.explained import LONGEST, PICTURES, newest
from saccade.report.write import write_report
from saccade.runs import Run

from .conftest import unscored
from .page import Page


def write_explanation(run: Run, method: str, number: int, *, images: int = 1, width: int = 60) -> Path:
    folder = run.explanations / method / f"{number:03d}"
    folder.mkdir(parents=True)
    found = []
    for k in range(images):
        name = f"{k:03d}-a{k}.png"
        Image.new("RGB", (width, 40), (200, 30, 10 * k)).save(folder / name)
        target = {"name": "<b>cat", "probability": 0.5 + k / 100}
        found.append({"image": f"a{k}.jpg", "picture": name, "targets": [target]})
    about = {"checkpoint": "best.ckpt", "epoch": number, "target": "<b>cat", "layers": ["layer4"], "options": {}}
    write_json(folder / "about.json", {**about, "found": found})
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return unscored(tmp_path / "run")


def test_a_run_without_any_has_no_such_section(run: Run) -> None:
    assert "Explanations" not in Page(write_report(run)).text


def test_the_newest_of_each_method(run: Run) -> None:
    write_explanation(run, "occlusion", 2)
    write_explanation(run, "occlusion", 10)
    write_explanation(run, "gradcam", 1, images=PICTURES + 3)
    found = newest(run)
    assert [each.folder for each in found] == ["explanations/gradcam/001", "explanations/occlusion/010"]
    assert found[1].words == "best.ckpt, epoch 10 · target <b>cat · layers layer4"
    assert [words for _, words in found[0].pictures] == [f"a{k}.jpg · <b>cat 0.5{k}0" for k in range(PICTURES)]
    assert found[0].all == PICTURES + 3


def test_on_the_page(run: Run) -> None:
    write_explanation(run, "confused-logits", 1, images=PICTURES + 1)
    page = Page(write_report(run))
    assert "Confused logits" in page.text
    assert f"{PICTURES} of {PICTURES + 1} pictures; all are in explanations/confused-logits/001." in page.text
    assert "<b>cat" in page.text
    assert "<b>cat" not in page.source
    pictures = [address for address in page.pictures if address.startswith("data:image/jpeg;base64,")]
    assert len(pictures) == PICTURES
    assert page.source.count('href="#explanations"') == 1


def test_large_pictures_are_shrunk(run: Run) -> None:
    write_explanation(run, "features", 1, width=2 * LONGEST)
    ((address, _),) = newest(run)[0].pictures
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        assert image.size == (LONGEST, 20)


def test_a_picture_that_is_missing_or_broken_is_left_out(run: Run) -> None:
    folder = write_explanation(run, "gradcam", 1, images=3)
    (folder / "000-a0.png").unlink()
    (folder / "001-a1.png").write_bytes(b"no picture")
    assert [words for _, words in newest(run)[0].pictures] == ["a2.jpg · <b>cat 0.520"]
    (folder / "002-a2.png").unlink()
    assert newest(run) == []


def test_names_that_lead_elsewhere_are_not_followed(run: Run) -> None:
    folder = write_explanation(run, "gradcam", 1)
    Image.new("RGB", (5, 5)).save(run.path / "secret.png")
    entry = {"image": "x.jpg", "picture": "../../../secret.png", "targets": []}
    write_json(folder / "about.json", {"checkpoint": "best.ckpt", "epoch": 1, "found": [entry]})
    assert newest(run) == []


def test_a_damaged_about_json_is_told(run: Run) -> None:
    folder = write_explanation(run, "gradcam", 1)
    (folder / "about.json").write_text("{")
    with pytest.raises(RunError, match=r"about\.json: not valid JSON"):
        write_report(run)
