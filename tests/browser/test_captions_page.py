"""The page of captions in a real Chromium; `CAPTIONS` in caption_run.py is the made-up run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect

from .caption_run import BOXES, CAPTIONS, GRID, HOSTILE_CAPTION, LONG_CAPTION, attention_of, write_captions
from .conftest import new_run, served, settled, write_images
from .test_page import Show, choose, first_row, query, rows

OPACITY = """(c, [x, y]) => {
  const copy = new OffscreenCanvas(c.width, c.height).getContext("2d"); // reading the canvas itself makes a warning
  copy.drawImage(c, 0, 0);
  return copy.getImageData(x * c.width, y * c.height, 1, 1).data[3];
}"""
CELLS = [(x / 6, y / 4) for y in (1, 3) for x in (1, 3, 5)]  # the middles of a grid of 2 x 3


def tile(page: Page, row: int) -> Locator:
    return page.locator(f'#grid [data-row="{row}"]')


def opacities(canvas: Locator, places: list[tuple[float, float]] = CELLS) -> list[int]:
    """How opaque an overlay is at places, shares of its width and height: 0 to 255."""
    return [canvas.evaluate(OPACITY, place) for place in places]


def becomes(canvas: Locator, right: Callable[[list[int]], bool], places: list[tuple[float, float]] = CELLS) -> None:
    """With patience: an overlay is painted some time after what asks for it, once its picture is decoded."""
    for _ in range(100):
        if right(opacities(canvas, places)):
            return
        canvas.page.wait_for_timeout(50)
    raise AssertionError(opacities(canvas, places))


def is_brightest(canvas: Locator, cell: int) -> None:
    """Smoothing takes some of a peak."""
    becomes(canvas, lambda shown: shown[cell] > 220 and sorted(shown)[-2] < 150)


def words(page: Page) -> Locator:
    return page.locator("#detail-facts .words button")


def large(page: Page) -> Locator:
    return page.locator("#detail-image figure canvas")


def test_opens_with_the_worst_captions(show: Show, caption_url: str) -> None:
    page = show(caption_url)
    assert rows(page) == [3, 1, 4, 2, 0, 5]
    expect(page.locator(".tabs a:visible")).to_have_text(["Images", "Overview", "Words"])
    expect(page.locator("#headline")).to_have_text("CIDEr-D1.250METEOR0.375BLEU-40.250")
    expect(page.locator("#show a")).to_have_text(["All 6", "CIDEr-D 0 2"])
    expect(page.locator("#find")).to_have_attribute("placeholder", "Find a word")
    assert tile(page, 0).locator("p, li").all_inner_texts() == [
        "a dog runs",
        "3.500\nCIDEr-D",
        "METEOR 0.750 · BLEU-4 0.500",
        *CAPTIONS[0][1][:3],
        "+2 more",
    ]
    expect(tile(page, 3).locator(".told")).to_have_text("nothing was said")
    expect(tile(page, 5).locator(".first")).to_have_text("–CIDEr-D")


def test_orders(show: Show, caption_url: str) -> None:
    page = show(caption_url)
    assert page.locator("#order option").all_inner_texts() == [
        *("Worst CIDEr-D", "Best CIDEr-D", "Worst METEOR", "Best METEOR", "Worst BLEU-4", "Best BLEU-4"),
        *("Worst loss", "Least loss", "Order of the data", "The data from its end"),
    ]
    page.select_option("#order", "best_meteor")
    first_row(page, 0)
    expect(tile(page, 0).locator(".first")).to_have_text("0.750METEOR")
    expect(tile(page, 0).locator(".second")).to_have_text("CIDEr-D 3.500 · BLEU-4 0.500")
    page.select_option("#order", "data_back")
    first_row(page, 5)
    assert query(page) == {"order": "data_back"}


def test_a_word_that_references_have_and_the_caption_has_not(show: Show, caption_url: str) -> None:
    page = show(caption_url)
    choose(page, "dog")
    expect(page.locator("#subtitle")).to_have_text("in the references of 3 images, said of 1")
    expect(page.locator("#headline")).to_have_text("recall0.333precision1.000")
    expect(page.locator("#show a")).to_have_text(
        ["All 3", "References only 2", "Caption only 0", "Both 1", "References 3", "Caption 1"]
    )
    page.locator("#show a", has_text="References only").click()
    first_row(page, 1)
    assert rows(page) == [1, 4]
    expect(tile(page, 1).locator(".badge")).to_have_text("✗ not said")
    expect(tile(page, 1).locator("mark")).to_have_text(["dog", "dog"])
    page.locator("#show a", has_text="Both").click()
    expect(tile(page, 0).locator("mark")).to_have_text(["dog", "dog", "dog", "dog"])  # "Dog!" is the fourth reference
    assert query(page) == {"class": "dog", "show": "hits"}


@pytest.mark.slow
def test_words_that_are_not_in_the_list(show: Show, caption_url: str) -> None:
    page = show(caption_url)
    page.keyboard.press("/")
    page.keyboard.type("brown dog")
    expect(page.locator("#any-word")).to_have_text("images with “brown dog”")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("brown dog")
    assert sorted(rows(page)) == [0, 1]
    expect(tile(page, 1).locator("mark")).to_have_text("brown dog")
    page.locator("#find").fill("cat")  # is one of the list, though not the first that has it in its name
    expect(page.locator("#none-found")).to_be_hidden()
    page.locator("#find").press("Enter")
    expect(page.locator("#title")).to_have_text("cat")
    page.locator("#find").fill("unicorn")
    page.locator("#any-word").click()
    expect(page.locator("#no-images")).to_have_text("There are no images.")


@pytest.mark.slow
def test_pointing_at_a_word_shows_what_it_looked_at(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?image=0")
    expect(words(page)).to_have_text(["a", "dog", "runs"])
    expect(page.locator("#gaze")).to_have_text("Choose a word to see what the network looked at while it said it.")
    assert opacities(large(page)) == [0] * 6
    words(page).nth(1).hover()
    is_brightest(large(page), 1)
    expect(page.locator("#gaze")).to_have_text(
        "“dog”: 50 % of the attention on the strongest cell, 3 times an even share"
    )
    page.locator("#detail-name").hover()
    assert opacities(large(page)) == [0] * 6
    words(page).nth(2).click()
    page.locator("#detail-name").hover()
    is_brightest(large(page), 2)
    assert query(page) == {"image": "0", "word": "2"}
    expect(words(page).nth(2)).to_have_attribute("aria-pressed", "true")
    page.reload()
    settled(page)
    is_brightest(large(page), 2)
    words(page).nth(2).click()
    assert query(page) == {"image": "0"}


@pytest.mark.slow
def test_all_words_at_once(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?image=0&heat=cells")
    small = page.locator("#strip button")
    expect(small).to_have_text(["a", "dog", "runs"])
    for k in range(3):
        is_brightest(small.nth(k).locator("canvas"), k)
    small.nth(1).click()
    expect(words(page).nth(1)).to_have_attribute("aria-pressed", "true")
    assert query(page) == {"image": "0", "heat": "cells", "word": "1"}


@pytest.mark.slow
def test_smooth_and_cells(show: Show, caption_url: str) -> None:
    """Halfway between two cells the one is sharp, the other is between them."""
    page = show(f"{caption_url}/?image=0&word=0")
    is_brightest(large(page), 0)
    beside = [(0.31, 0.25)]  # still in the first of three columns
    assert opacities(large(page), beside)[0] < 220
    page.locator("#heat button", has_text="Cells").click()
    becomes(large(page), lambda shown: shown == [255], beside)


@pytest.mark.slow
def test_keyboard_goes_from_word_to_word_and_on(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?order=data&image=0")
    for key, word in (("w", "0"), ("w", "1"), ("b", "0"), ("b", None), ("b", "2"), ("w", None), ("w", "0")):
        page.keyboard.press(key)
        assert query(page).get("word") == word
    words(page).nth(1).focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    is_brightest(large(page), 1)  # focus looks, too
    page.keyboard.press("Enter")
    assert query(page)["word"] == "1"
    page.keyboard.press("j")
    expect(page.locator("#detail-name")).to_have_text("1.jpg")
    assert query(page) == {"order": "data", "image": "1"}
    page.keyboard.press("ArrowRight")
    expect(page.locator("#detail-name")).to_have_text("2.jpg")
    expect(words(page)).to_have_text(["a", "cat"])
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()


@pytest.mark.slow
def test_one_image_has_all_references(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?image=0&class=dog")
    expect(page.locator("#detail-scores li")).to_have_text(CAPTIONS[0][1])
    expect(page.locator("#detail-scores mark")).to_have_count(5)
    expect(page.locator("#detail-facts")).to_contain_text(
        "CIDEr-D 3.500METEOR 0.750BLEU-4 0.500ROUGE-L 1.000loss 0.500"
    )
    expect(page.locator("#detail-facts .words .new")).to_have_count(0)
    page.keyboard.press("k")
    expect(page.locator("#detail-name")).to_have_text("4.jpg")
    page.keyboard.press("k")
    expect(page.locator("#detail-facts .words .new")).to_have_text(["cat"])  # references of 1 have no cat


@pytest.mark.slow
def test_without_attention_there_is_none(show: Show, caption_url: str) -> None:
    for row, said in ((5, LONG_CAPTION), (3, "nothing was said")):
        page = show(f"{caption_url}/?image={row}&word=1")
        expect(page.locator("#detail-facts .words")).to_have_text(said)
        expect(words(page)).to_have_count(0)
        expect(page.locator("#heat-look")).to_be_hidden()
        expect(page.locator("#detail-image canvas, #strip, #gaze")).to_have_count(0)
        expect(page.locator("#detail-image img")).to_be_visible()
        page.keyboard.press("w")
        assert query(page)["word"] == "1"
    expect(page.locator("#detail-scores li")).to_have_text(["a red ball", "a hotdog"])


def test_hostile_texts_are_only_text(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?image=4")
    expect(page.locator("#detail-facts .words")).to_have_text(HOSTILE_CAPTION)
    expect(page.locator("#detail-scores li").first).to_have_text(CAPTIONS[4][1][0])
    page.keyboard.press("w")
    expect(page.locator("#gaze")).to_contain_text("“<b>cat</b>”")
    page.keyboard.press("Escape")
    expect(tile(page, 4).locator(".told")).to_have_text(HOSTILE_CAPTION)
    page.locator(".tabs a", has_text="Overview").click()
    expect(page.locator("#frequent")).to_be_visible()
    assert page.title() != "owned"
    assert page.locator("img[src=x], .told b, main script").count() == 0


def attention_run(folder: Path, regions: dict[str, Any], cells: int, **columns: Any) -> Any:
    """A run of 160 x 80 pictures, whose attention is on ``cells`` regions."""
    run = new_run(folder)
    write_images(folder / "data", [f"{k}.jpg" for k in range(len(CAPTIONS))], (160, 80))
    attention = pl.Series([attention_of(c, cells) for c, _ in CAPTIONS], dtype=pl.List(pl.List(pl.Float32)))
    write_captions(run, folder / "data", attention=attention, about={"regions": regions}, **columns)
    return run


@pytest.mark.slow
def test_a_cropped_grid_lies_where_the_network_saw(show: Show, tmp_path: Path) -> None:
    """Of 160 x 80 the square of 0.5 * 80 in the middle: x from 60 to 100, y from 20 to 60."""
    run = attention_run(tmp_path, GRID | {"resize": "crop", "resize_crop": 0.5}, 6)
    for address in served(run):
        page = show(f"{address}/?image=0&word=0&heat=cells")
        cells = [((60 + 40 * x) / 160, (20 + 40 * y) / 80) for x, y in CELLS]
        shown = opacities(large(page), cells)
        assert shown[0] == 255
        assert set(shown[1:]) == {114}  # 255 times the root of 0.1 / 0.5
        outside = opacities(large(page), [(0.05, 0.5), (0.37, 0.5), (0.63, 0.5), (0.5, 0.2), (0.5, 0.8)])
        assert set(outside) == {153}  # dimmed: 0.6 of 255
        page.locator("#detail-close").focus()
        page.keyboard.press("b")
        settled(page)
        assert opacities(large(page), [(0.05, 0.5)]) == [0]


@pytest.mark.slow
def test_boxes_are_drawn_by_their_weight(show: Show, tmp_path: Path) -> None:
    boxes = pl.Series([BOXES] * len(CAPTIONS), dtype=pl.List(pl.List(pl.Float32)))
    for address in served(attention_run(tmp_path, {"kind": "boxes"}, 3, boxes=boxes)):
        page = show(f"{address}/?image=0&word=1")
        expect(page.locator("#gaze")).to_contain_text("strongest box")
        expect(page.locator("#heat")).to_be_hidden()
        # inside the second box alone, on its right edge, inside the first alone, in none
        inside, edge, other, none = opacities(large(page), [(0.9, 0.9), (0.999, 0.75), (0.1, 0.1), (0.9, 0.1)])
        assert inside == pytest.approx(0.3 * 255, abs=2)
        assert edge > 240
        assert 0 < other < inside / 2
        assert none == 0


@pytest.mark.slow
def test_attention_that_does_not_fit_is_said(show: Show, tmp_path: Path) -> None:
    for address in served(attention_run(tmp_path, GRID, 5)):
        page = show(f"{address}/?image=1")
        expect(page.locator("#detail-image figcaption")).to_have_text(
            "The attention is not shown: the weights of word 1 are not 6 numbers from 0 up, one a region."
        )
        expect(page.locator("#detail-facts .words")).to_have_text("a cat")
        expect(words(page)).to_have_count(0)


@pytest.mark.slow
def test_images_that_are_gone_leave_the_attention(show: Show, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_captions(run, tmp_path / "gone")
    for address in served(run):
        page = show(f"{address}/?image=0&word=1")
        is_brightest(large(page), 1)
        expect(page.locator("#detail-image small")).to_have_text("data folder not found")
        page.keyboard.press("Escape")
        expect(page.locator("#grid .placeholder")).to_have_text(["data folder not found"] * 6)


@pytest.mark.slow
def test_overview(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?view=overview")
    expect(page.locator("#metric-table tbody tr").last).to_have_text("CIDEr-D1.250the mean over the images")
    expect(page.locator("#variety div")).to_have_text(
        ["different captions5 of 6", "words said16", "words in references24", "empty captions1"]
    )
    expect(page.locator("#frequent li")).to_have_text("a cat2 · 33 %")
    expect(page.locator("#lengths-note")).to_have_text(
        "captions: median 2.5 words (above) references: median 3 words (below)"
    )
    expect(page.locator("#lengths-axis")).to_contain_text("40+")
    expect(page.locator("#never a").first).to_have_text("ball 2")
    page.locator("#never a").first.click()
    expect(page.locator("#title")).to_have_text("ball")
    assert query(page) == {"class": "ball", "show": "misses"}
    page.go_back()
    page.locator("#frequent a").click()
    expect(page.locator("#cell")).to_have_text("Only images of which this is said: “a cat” show all")
    assert rows(page) == [1, 2]
    page.locator("#cell a").click()
    expect(page.locator("#grid .tile")).to_have_count(6)


@pytest.mark.slow
def test_table_of_words(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?view=classes")
    expect(page.locator("#classes-title")).to_have_text("Words")
    expect(page.locator("#class-table tbody tr").first).to_have_text("a4430.7500.750")
    page.click('[data-sort="n_said"]')
    expect(page.locator("#class-table tbody tr").nth(1)).to_have_text("cat1311.0000.333")
    page.locator("#class-table tbody a", has_text="hotdog").click()
    expect(page.locator("#title")).to_have_text("hotdog")
    assert rows(page) == [3]


@pytest.mark.slow
def test_tapping_a_word_on_a_phone(show: Show, caption_url: str) -> None:
    page = show(f"{caption_url}/?image=0", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    words(page).nth(1).tap()
    is_brightest(large(page), 1)
    page.locator("#strip button").nth(2).tap()
    is_brightest(large(page), 2)
    assert query(page) == {"image": "0", "word": "2"}


@pytest.mark.parametrize(
    "view", ["/", "/?class=dog", "/?view=overview", "/?view=classes", "/?image=4&word=1", "/?image=5", "/?image=3"]
)
@pytest.mark.slow
def test_phone_has_no_sideways_scrolling(show: Show, caption_url: str, view: str) -> None:
    page = show(caption_url + view, viewport={"width": 390, "height": 844}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.querySelector('.scores').scrollWidth") <= 390
