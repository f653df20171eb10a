"""The page of masks in a real Chromium; `SEGMENT` in conftest.py is the made-up run."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import COLOURS, new_run, served, settled, write_segment
from .test_page import Show, choose, query, rows

CAT, CLEAR, RIGHT = [*COLOURS[1], 255], [0, 0, 0, 0], (0, 114, 178)
MISSED, INVENTED = [213, 94, 0, 255], [204, 121, 167, 255]

FIRST_ROW = """c => {
  const copy = new OffscreenCanvas(c.width, 1).getContext("2d"); // reading the canvas itself makes a warning
  copy.drawImage(c, 0, 0);
  const data = [...copy.getImageData(0, 0, c.width, 1).data];
  return Array.from({ length: c.width }, (_, k) => data.slice(4 * k, 4 * k + 4));
}"""


def columns(canvas: Locator) -> list[list[int]]:
    """The colours of the first row of pixels of an overlay."""
    found: list[list[int]] = canvas.evaluate(FIRST_ROW)
    return found


def is_painted(canvas: Locator, wanted: list[list[int]]) -> None:
    """The first columns have these colours; with patience, for an overlay is painted once its labels are decoded."""
    for _ in range(50):
        if columns(canvas)[: len(wanted)] == wanted:
            return
        canvas.page.wait_for_timeout(100)
    assert columns(canvas)[: len(wanted)] == wanted


def tile(page: Page, row: int) -> Locator:
    return page.locator(f'#grid [data-row="{row}"]')


def test_opens_with_the_worst_images(show: Show, segment_url: str) -> None:
    page = show(segment_url)
    assert rows(page) == [1, 2, 3, 0, 4]
    assert tile(page, 1).locator("p").all_inner_texts() == ["0.375\nmean IoU", "pixel accuracy 0.750"]
    expect(page.locator("#class-list li")).to_have_text(
        ["All classes", "background0.800", "cat0.600", "dog0.000", "void, not scored"]
    )
    expect(page.locator("#headline")).to_contain_text("mIoU0.467")
    expect(page.locator("#alone")).to_contain_text("mIoU is not an average of these")
    expect(page.locator("#show a")).to_have_text(["All 5", "With a class all wrong 2"])
    is_painted(tile(page, 0).locator("canvas"), [CAT] * 4 + [CLEAR] * 4)  # the background is off
    is_painted(tile(page, 3).locator("canvas"), [CAT] * 2 + [CLEAR] * 6)  # predicted at half the size


@pytest.mark.slow
def test_switches_of_classes(show: Show, segment_url: str) -> None:
    page = show(segment_url)
    cat = page.locator("#class-list").get_by_label("cat in the overlays")
    canvas = tile(page, 0).locator("canvas")
    cat.click()
    is_painted(canvas, [CLEAR] * 8)
    assert query(page) == {"off": "0,1"}
    cat.click()
    page.locator("#switches button", has_text="all").click()
    is_painted(canvas, [CAT] * 4 + [[0, 0, 0, 255]] * 4)
    assert query(page) == {"off": "none"}
    cat.click(modifiers=["Shift"])
    assert query(page) == {"off": "0,2,255"}
    page.reload()
    settled(page)
    is_painted(canvas, [CAT] * 4 + [CLEAR] * 4)


def test_a_class_says_what_was_missed_and_what_invented(show: Show, segment_url: str) -> None:
    page = show(segment_url)
    choose(page, "cat")
    assert rows(page) == [1, 3, 0]
    expect(tile(page, 1).locator(".badge")).to_have_text("✗ missed")
    expect(page.locator("#subtitle")).to_have_text("occurs in 3 of 5 images, in target or prediction")
    page.keyboard.press("e")
    assert query(page) == {"class": "cat", "over": "errors"}
    is_painted(tile(page, 1).locator("canvas"), [MISSED] * 2 + [CLEAR] * 6)
    choose(page, "dog")
    expect(tile(page, 2).locator(".badge")).to_have_text("! invented")
    expect(page.locator("#legend span")).to_have_text([" right", " missed", " invented", " void"])
    is_painted(tile(page, 2).locator("canvas"), [[160, 160, 160, 255], INVENTED, CLEAR])
    page.select_option("#order", "loss")
    assert rows(page) == [2]


@pytest.mark.slow
def test_one_image_side_by_side_and_blended(show: Show, segment_url: str) -> None:
    page = show(f"{segment_url}/?image=3")
    expect(page.locator("#detail-image figcaption")).to_have_text(
        ["Image", "Target", "Prediction", "Errors right wrong void"]
    )
    errors = page.locator('#detail-image canvas[data-over="errors"]')
    expect(errors).not_to_have_js_property("width", 300)  # what a canvas has before it is painted
    shown = columns(errors)
    assert shown[2:4] == [MISSED] * 2  # as wrong, of all classes
    assert shown[4:] == [CLEAR] * 4  # background on both sides, which is off
    assert shown[0][3] == 110  # right, thinly
    assert shown[0][:3] == pytest.approx(RIGHT, abs=2)  # a canvas rounds what is half transparent
    expect(page.locator("#detail-facts")).to_contain_text("mean IoU 0.583 · pixel accuracy 0.750 · loss 0.300")
    expect(page.locator("#detail-facts")).to_contain_text("of this image alone")
    expect(page.locator("#detail-scores li")).to_have_text(["cat0.500", "background0.667", "dognot in it–", "void"])
    page.locator("#detail-look").get_by_text("Blended").click()
    page.keyboard.press("t")
    expect(page.locator("#detail-image figcaption")).to_have_text(["Target"])
    slider = page.locator("#detail-look .opacity")
    slider.fill("25")
    expect(page.locator("#detail-image canvas")).to_have_css("opacity", "0.25")
    assert query(page) == {"image": "3", "layout": "blend", "over": "target", "opacity": "25"}
    slider.press("ArrowRight")  # moves the slider, not on to the next image
    assert query(page)["image"] == "3"


@pytest.mark.slow
def test_leafing_keeps_its_keys_after_a_switch(show: Show, segment_url: str) -> None:
    page = show(f"{segment_url}/?image=1&layout=blend")
    name = page.locator("#detail-name")
    page.locator("#detail-scores").get_by_label("cat in the overlays").click()
    for key, expected in (("j", "2.jpg"), ("ArrowRight", "3.jpg"), ("k", "2.jpg")):
        page.keyboard.press(key)
        expect(name).to_have_text(expected)
    expect(page.locator("#detail-scores li").first).to_have_text("dog0.000! invented")
    assert query(page) == {"image": "2", "layout": "blend", "off": "0,1"}
    canvas = page.locator("#detail-image canvas")
    box = canvas.bounding_box()
    assert box is not None
    canvas.hover(position={"x": 5, "y": box["height"] / 2})
    expect(page.locator("#under")).to_have_text("target: void · prediction: dog")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()


@pytest.mark.slow
def test_tables(show: Show, segment_url: str) -> None:
    page = show(f"{segment_url}/?view=classes")
    expect(page.locator("#class-table tbody tr")).to_have_text(["background0.80084", "cat0.60040", "dog0.0000"])
    expect(page.locator("#classes-note")).to_contain_text("of that image alone and go into none of them")
    page.locator(".tabs a", has_text="Confusions").click()
    cells = page.locator("#matrix tbody td")
    expect(cells).to_have_text(["95.2", "·", "4.8", "40.0", "60.0", "·", "·", "·", "·"])
    expect(page.locator("#pairs li").first).to_have_text("cat taken for background 16 of 40 pixels")
    cells.nth(3).locator("a").click()
    expect(page.locator("#title")).to_have_text("cat")
    assert rows(page) == [1, 3, 0]


@pytest.mark.slow
def test_data_that_is_gone(show: Show, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_segment(run, tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "moved")
    for address in served(run):
        page = show(f"{address}/?class=cat")
        expect(page.locator("#missing")).to_contain_text("Start again with data.root=PATH")
        expect(tile(page, 1).locator(".badge")).to_have_text("all wrong")  # which way, only the target could tell
        is_painted(tile(page, 0).locator("canvas"), [CAT] * 4 + [CLEAR] * 4)
        tile(page, 0).locator("a").click()
        expect(page.locator("#detail-image .placeholder")).to_have_text(["data folder not found"] * 3)
        is_painted(page.locator("#detail-image canvas"), [CAT] * 4 + [CLEAR] * 4)


@pytest.mark.parametrize("view", ["/", "/?class=cat&over=errors", "/?view=classes", "/?image=1&layout=blend"])
@pytest.mark.slow
def test_phone_has_no_sideways_scrolling(show: Show, segment_url: str, view: str) -> None:
    page = show(segment_url + view, viewport={"width": 390, "height": 844}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
