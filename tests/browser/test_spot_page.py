"""The page of words in scenes in a real Chromium; `SPOTS` in spot_run.py is the made-up run."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import new_run, served
from .spot_run import HOSTILE_READ, HOSTILE_TRUTH, unread, write_signs, write_spots
from .test_captions_page import becomes, tile
from .test_page import Show, choose, first_row, query, rows

MISREAD_FIRST = [["≠ misread", "read EX1T", "true EXIT"], ["✓ right", "read OPEN"]]


def has_lines(drawing: Locator, *kinds: str) -> None:
    """A drawing has lines of these kinds, the lowest first."""
    lines = drawing.locator(".line")
    expect(lines).to_have_count(len(kinds))
    for k, kind in enumerate(kinds):
        expect(lines.nth(k)).to_have_attribute("data-line", kind)


def has_address(page: Page, **expected: str) -> None:
    page.wait_for_url(lambda _: query(page) == expected)


def entry(page: Page, k: int) -> Locator:
    return page.locator(f'#detail-scores [data-entry="{k}"]')


def outline(page: Page, k: int) -> Locator:
    return page.locator(f'#detail .outlines [data-entry="{k}"]')


def test_opens_with_the_worst_images(show: Show, spot_url: str) -> None:
    page = show(spot_url)
    assert rows(page) == [2, 3, 1, 5, 0, 4]
    expect(page.locator(".tabs a:visible")).to_have_text(["Images", "Overview", "Words"])
    expect(page.locator("#headline")).to_have_text("end-to-end H-mean0.533detection H-mean0.800word accuracy0.250")
    expect(page.locator("#subtitle")).to_have_text("6 images · 7 words")
    expect(page.locator("#show a")).to_have_text(
        ["All 6", "With misread 2", "With missed 1", "With false alarms 2", "All right 2"]
    )
    expect(page.locator("#class-list li").nth(1)).to_have_text("EXIT0.667")
    expect(tile(page, 1).locator(".first")).to_have_text("0.500end-to-end H-mean")
    expect(tile(page, 1).locator(".second")).to_have_text("detection H-mean 1.000 · loss 1.500")
    expect(tile(page, 1).locator(".tally .mark")).to_have_text(
        ["✓ 1 right ", "≠ 1 misread ", "✗ 0 missed ", "! 0 false alarm "]
    )
    expect(tile(page, 1).locator(".told-words li")).to_have_text(["≠EXITreadEX1T"])
    expect(tile(page, 2).locator(".told-words li")).to_have_text(["✗PARKING", "!4F"])
    page.select_option("#order", "false_alarms")
    first_row(page, 2)
    assert rows(page) == [2, 5, 3, 1, 0, 4]


def test_outcomes_are_told_by_line_and_not_by_colour_alone(show: Show, spot_url: str) -> None:
    page = show(spot_url)
    expect(page.locator("#line-legend span")).to_have_text(
        [" right", " misread", " missed", " false alarm", " not cared for"]
    )
    looks = page.locator("#line-legend .sample").evaluate_all(
        """all => all.map(one => [...one.querySelectorAll("path")].map(path => {
             const { strokeDasharray, strokeWidth, strokeLinecap } = getComputedStyle(path);
             return [strokeDasharray, strokeWidth, strokeLinecap].join();
           }).join(" "))"""
    )
    assert len(set(looks)) == 5
    drawing = tile(page, 2).locator(".outlines")
    has_lines(drawing, "alarm", "missed")
    for key, lines, expected in (("t", "truth", ["missed"]), ("p", "prediction", ["alarm"]), ("i", "none", [])):
        page.keyboard.press(key)
        has_address(page, lines=lines)
        has_lines(drawing, *expected)
    page.locator("#word-look button", has_text="Both").click()
    has_address(page)
    has_lines(drawing, "alarm", "missed")
    has_lines(tile(page, 1).locator(".outlines"), "right", "misread")


def test_outlines_lie_on_their_words(show: Show, spot_url: str) -> None:
    """The signs of the image are dark; where a picture is shown smaller, so are its outlines."""
    page = show(f"{spot_url}/?image=1")
    picture, line = page.locator("#detail .stack img"), outline(page, 0).locator('[data-line="true"].line')
    expect(line).to_be_visible()
    pane, box = picture.bounding_box(), line.bounding_box()
    assert pane is not None
    assert box is not None
    scale = min(pane["width"] / 160, pane["height"] / 120)
    left = pane["x"] + (pane["width"] - 160 * scale) / 2
    top = pane["y"] + (pane["height"] - 120 * scale) / 2
    found = [box["x"], box["y"], box["width"], box["height"]]
    assert found == pytest.approx([left + 10 * scale, top + 10 * scale, 50 * scale, 20 * scale], abs=3)


def test_a_word_and_a_part_of_one(show: Show, spot_url: str) -> None:
    page = show(spot_url)
    choose(page, "EXIT")
    expect(page.locator("#subtitle")).to_have_text(
        "3 times in the truth: 2 read right, 1 misread, 0 missed · 1 false alarm"
    )
    expect(page.locator("#headline")).to_have_text("found1.000read right0.667")
    expect(page.locator("#show a")).to_have_text(["All 3", "Misread 1", "Missed 0", "False alarms 1", "Right 2"])
    expect(tile(page, 0).locator(".faint .line")).to_have_count(1)  # Sale!
    page.locator("#show a", has_text="Misread").click()
    first_row(page, 1)
    assert rows(page) == [1]
    page.keyboard.press("/")
    page.keyboard.type("Ark")
    expect(page.locator("#any-word")).to_have_text("words with “ark” in them")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("“ark”")
    assert rows(page) == [2]
    has_address(page, text="ark")
    expect(page.locator("#cell")).to_contain_text("Only images with “ark” in a word, be it true or read")
    expect(page.locator("#class-list [aria-current]")).to_have_count(0)
    page.locator("#cell a").click()
    expect(page.locator("#grid .tile")).to_have_count(6)


def test_one_image_has_its_words_beside_it(show: Show, spot_url: str) -> None:
    page = show(f"{spot_url}/?image=1")
    expect(page.locator("#detail-facts")).to_contain_text("end-to-end H-mean 0.500detection H-mean 1.000")
    expect(page.locator("#detail-scores button")).to_have_count(2)
    for k, (mark, *texts) in enumerate(MISREAD_FIRST):
        expect(entry(page, k).locator(".verdict .mark")).to_have_text(mark)
        expect(entry(page, k).locator(".text")).to_have_text([text.replace(" ", "") for text in texts])
    expect(entry(page, 0).locator("small").first).to_have_text("IoU 0.800 · score 0.850")
    expect(entry(page, 0).locator("b")).to_have_text(["1", "I"])  # the letters that differ
    expect(entry(page, 0).locator("img")).to_have_js_property("naturalWidth", 50)
    expect(entry(page, 1).locator("img")).to_have_js_property("naturalHeight", 30)
    page.keyboard.press("k")
    expect(page.locator("#detail-name")).to_have_text("3.jpg")
    expect(page.locator("#detail-scores .verdict .mark")).to_have_text(
        ["≠ misread", "◌ not cared for", "◌ not cared for"]
    )


def test_pointing_in_the_list_and_in_the_picture(show: Show, spot_url: str) -> None:
    page = show(f"{spot_url}/?image=1")
    entry(page, 0).hover()
    expect(outline(page, 0)).to_have_class("looked")
    expect(page.locator("#pointed")).to_have_text("≠ misread: “EXIT” read “EX1T”, IoU 0.800")
    outline(page, 1).locator(".line").last.hover()
    expect(entry(page, 1)).to_have_class("entry looked")
    expect(page.locator("#pointed")).to_have_text("✓ right: “OPEN”, IoU 1.000")
    outline(page, 1).locator(".line").last.click()
    has_address(page, image="1", word="1")
    page.locator("#detail-name").hover()
    expect(entry(page, 1)).to_have_attribute("aria-pressed", "true")
    expect(outline(page, 1)).to_have_class("looked")
    entry(page, 1).click()
    has_address(page, image="1")
    page.locator("#detail-name").hover()
    expect(page.locator("#detail .looked")).to_have_count(0)


@pytest.mark.slow
def test_keyboard_goes_from_word_to_word_and_on(show: Show, spot_url: str) -> None:
    page = show(f"{spot_url}/?order=data&image=1")
    for key, word in (("w", "0"), ("w", "1"), ("b", "0"), ("b", None), ("b", "1")):
        page.keyboard.press(key)
        has_address(page, order="data", image="1", **({} if word is None else {"word": word}))
    expect(outline(page, 1)).to_have_class("looked")
    page.keyboard.press("j")
    expect(page.locator("#detail-name")).to_have_text("2.jpg")
    has_address(page, order="data", image="2")
    page.keyboard.press("Tab")
    entry(page, 0).focus()
    expect(entry(page, 0)).to_have_class("entry looked")  # focus looks, too
    page.keyboard.press("Enter")
    has_address(page, order="data", image="2", word="0")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#detail-name")).to_have_text("3.jpg")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()


@pytest.mark.slow
def test_truth_against_prediction(show: Show, spot_url: str) -> None:
    page = show(f"{spot_url}/?image=2")
    drawing, texts = page.locator("#detail .stack .outlines"), page.locator("#detail .stack text")
    expect(texts).to_have_text(["PARKING", "4F"])
    for key, expected, text in (("t", ["missed"], ["PARKING"]), ("p", ["alarm"], ["4F"]), ("i", [], [])):
        page.keyboard.press(key)
        has_lines(drawing, *expected)
        expect(texts).to_have_text(text)
    page.keyboard.press("a")
    has_lines(drawing, "missed", "alarm")
    page.keyboard.press("x")
    has_address(page, image="2", tags="off")
    expect(texts.first).to_be_hidden()
    entry(page, 0).hover()
    expect(texts.first).to_be_visible()  # of the word that is pointed at


@pytest.mark.slow
def test_map_of_scores(show: Show, spot_url: str) -> None:
    """The map of every image is 0 on the left and 1 on the right."""
    page = show(f"{spot_url}/?image=1")
    canvas = page.locator("#detail-image canvas")
    expect(canvas).to_be_hidden()
    page.keyboard.press("s")
    has_address(page, image="1", map="on")
    becomes(canvas, lambda shown: shown == [0, 255], [(0.2, 0.5), (0.8, 0.5)])
    slider = page.locator("#detail-words .opacity")
    slider.fill("25")
    expect(canvas).to_have_css("opacity", "0.25")
    has_address(page, image="1", map="on", opacity="25")
    page.reload()
    becomes(canvas, lambda shown: shown == [0, 255], [(0.2, 0.5), (0.8, 0.5)])
    page.locator("#detail-words button", has_text="Score map").click()
    expect(canvas).to_be_hidden()
    expect(slider).to_be_hidden()


def test_hostile_texts_are_only_text(show: Show, spot_url: str) -> None:
    page = show(f"{spot_url}/?image=3&word=0")
    expect(entry(page, 0).locator("bdi")).to_have_text([HOSTILE_READ, HOSTILE_TRUTH])
    expect(page.locator("#pointed")).to_contain_text(HOSTILE_TRUTH)
    expect(outline(page, 0).locator("text")).to_contain_text(HOSTILE_READ[:40])
    page.keyboard.press("Escape")
    expect(tile(page, 3).locator("bdi")).to_have_text([HOSTILE_TRUTH, HOSTILE_READ])
    page.locator(".tabs a", has_text="Overview").click()
    expect(page.locator("#misread-texts bdi").first).to_have_text(HOSTILE_TRUTH)
    assert page.title() != "owned"
    assert page.locator("img[src=x], bdi > :not(b), main script").count() == 0


@pytest.mark.slow
def test_overview(show: Show, spot_url: str) -> None:
    page = show(f"{spot_url}/?view=overview")
    expect(page.locator("#protocol-table tbody tr")).to_have_text(
        [
            "detection words found0.7500.8570.800",
            "end-to-end words found and read0.5000.5710.533",
            "word spotting dictionary words found and read0.5710.6670.615",
        ]
    )
    expect(page.locator("#metric-table")).to_be_hidden()  # of captions
    expect(page.locator("#spot-metrics tbody tr").nth(1)).to_have_text("CER0.500edits over letters")
    expect(page.locator("#fates dt")).to_have_text(
        ["7 words of the truth and 1 not cared for", "8 detections and 1 not cared for"]
    )
    expect(page.locator("#fates dd").first).to_have_text(" ✓ 4 right 57 % ≠ 2 misread 29 % ✗ 1 missed 14 %")
    expect(page.locator("#confused li", has_text="I read as 1")).to_contain_text("1 of 3")
    page.locator("#misread-texts a", has_text="EXIT").click()
    expect(page.locator("#title")).to_have_text("EXIT")
    assert rows(page) == [1]
    has_address(page, **{"class": "EXIT", "show": "misread"})
    page.locator(".tabs a", has_text="Words").click()
    expect(page.locator("#class-table tbody tr").first).to_have_text("EXIT321010.667")
    expect(page.locator("#class-table thead button")).to_have_text(
        ["word", "in truth", "right", "misread", "missed", "false alarms", "recall"]
    )


@pytest.mark.slow
def test_words_that_are_found_and_not_read(show: Show, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_signs(tmp_path / "data")
    write_spots(run, tmp_path / "data", **unread())
    for address in served(run):
        page = show(address)
        assert rows(page) == [2, 5, 3, 1, 0, 4]
        expect(page.locator("#headline")).to_have_text(
            "detection H-mean0.800detection precision0.750detection recall0.857"
        )
        expect(page.locator("#show a")).to_have_text(["All 6", "With missed 1", "With false alarms 2", "All right 4"])
        expect(page.locator("#line-legend")).to_have_text(" found missed false alarm not cared for")
        assert "misread" not in page.locator("#order").inner_text()
        tile(page, 1).locator("a").click()
        expect(page.locator("#detail-scores .verdict .mark")).to_have_text(["✓ found", "✓ found"])
        expect(page.locator("#detail-scores .text")).to_have_text(["trueEXIT", "trueOPEN"])
        page.keyboard.press("Escape")
        page.locator(".tabs a", has_text="Overview").click()
        expect(page.locator("#protocol-table tbody tr")).to_have_count(1)
        expect(page.locator("#confused, #misread-texts, [data-read]:visible")).to_have_count(2)  # and both are hidden
        expect(page.locator("#confused")).to_be_hidden()


@pytest.mark.slow
def test_data_that_is_gone_leaves_the_outlines(show: Show, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_spots(run, tmp_path / "gone")
    for address in served(run):
        page = show(address)
        expect(page.locator("#grid .placeholder")).to_have_text(["data folder not found"] * 6)
        has_lines(tile(page, 2).locator(".outlines"), "alarm", "missed")
        tile(page, 1).locator("a").click()
        expect(outline(page, 0).locator("text")).to_have_text("EX1T")
        expect(page.locator("#detail-image small")).to_have_text("data folder not found")
        expect(page.locator("#detail-scores img")).to_have_count(0)
