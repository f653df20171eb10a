"""The page of spot runs in which little or nothing is to be found, or was found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from saccade.report.write import write_report

from .page import Page
from .spot_run import Sign, outlines, signs, spot_run


@pytest.mark.parametrize("reads", [True, False])
def test_nothing_is_found(tmp_path: Path, reads: bool) -> None:
    page = Page(write_report(spot_run(tmp_path, [replace(sign, found=[]) for sign in signs()], reads=reads, rows=[])))
    assert "0.000" in page.text[: page.text.index("Numbers")]
    assert "Of 10 words none was found. Nothing was found in any image: no place passed task.threshold" in page.text
    assert "10 words of 7 images are cared for, 2 are not. None was found, as there is no detection." in page.text
    assert ("No word was found, so that nothing was read." in page.text) == reads
    assert "95 %" not in page.text
    assert outlines(page).keys() == {"missed", "uncared"}


def test_nothing_is_cared_for(tmp_path: Path) -> None:
    images = [Sign([(quad, "###") for quad, _ in sign.words], []) for sign in signs()]
    page = Page(write_report(spot_run(tmp_path, images, rows=[])))
    assert "No word of this split is cared for, so that there is nothing to find; H-means are 0 then." in page.text
    assert "None of 12 words of 7 images is cared for." in page.text
    assert "In no image is there anything to find, and nothing was found." in page.text
    assert page.pictures == []


def test_images_without_words(tmp_path: Path) -> None:
    page = Page(write_report(spot_run(tmp_path, [replace(sign, words=[]) for sign in signs()], rows=[])))
    assert "there is nothing to find, and 11 detections for which there is no word; H-means are 0 then." in page.text
    assert "No word is in 7 images." in page.text
    assert outlines(page).keys() == {"alarm"}


def test_no_words_and_no_detections(tmp_path: Path) -> None:
    page = Page(write_report(spot_run(tmp_path, [Sign()], rows=[])))
    assert "No word is in 1 image." in page.text
    assert page.galleries == []


def test_one_image(tmp_path: Path) -> None:
    page = Page(write_report(spot_run(tmp_path, signs()[:1], rows=[])))
    assert "1.000 end-to-end H-mean" in page.text
    assert page.tables["Numbers"][0] == ["protocol", "precision", "recall", "H-mean"]
    assert "The one image of 1 image" in page.text
    assert "No word that was found was misread." in page.text
