"""The page in a real Chromium; the made-up runs and how their numbers are counted stand in conftest.py.

The fixture `show` also sees to it that no test leaves an error on the console or asks another host.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from .conftest import HOSTILE, new_run, served, settled, write_multilabel

Show: TypeAlias = Callable[..., Page]


def rows(page: Page) -> list[int]:
    return [int(row) for row in page.locator("#grid .tile").evaluate_all("all => all.map(t => t.dataset.row)")]


def first_row(page: Page, row: int) -> None:
    settled(page)
    expect(page.locator("#grid .tile").first).to_have_attribute("data-row", str(row))


def numbers(page: Page) -> list[str]:
    return page.locator("#numbers dd").all_inner_texts()


def query(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def choose(page: Page, name: str) -> None:
    page.locator("#class-list").get_by_title(name, exact=True).click()
    expect(page.locator("#title")).to_have_text(name)
    settled(page)


def test_opens_with_the_worst_images_of_all_classes(show: Show, multilabel_url: str) -> None:
    page = show(multilabel_url)
    expect(page.locator("#title")).to_have_text("All classes")
    expect(page.locator("#order")).to_have_value("loss")
    expect(page.locator("#origin")).to_have_text("best.ckpt · epoch 7 · optimistic: this split chose the epoch")
    assert rows(page) == list(range(99, 51, -1))
    expect(page.locator("#cut")).to_be_hidden()
    drawn = page.locator("#grid img").first.evaluate("i => i.decode().then(() => i.naturalWidth)")
    assert drawn == 16


@pytest.mark.slow
def test_choosing_a_class(show: Show, multilabel_url: str) -> None:
    page = show(multilabel_url)
    choose(page, "cat")
    assert query(page) == {"class": "cat"}
    assert rows(page)[:6] == [99, 98, 97, 96, 95, 94]
    assert numbers(page) == ["0.813", "0.813", "0.951", "48 of 98"]  # 39/48, 39/48, 39/41
    first, ignored = page.locator("#grid .tile").nth(0), page.locator("#grid .tile").nth(4)
    assert first.inner_text().split() == ["0.995", "✓", "hit", "#1", "present"]
    assert ignored.inner_text().split() == ["0.955", "◌", "ignored", "–", "ignored"]
    expect(page.locator("#subtitle")).to_have_text("41 of 98 images show it · 2 ignored as difficult")
    expect(page.locator('#class-list a[aria-current="true"]')).to_have_text("cat0.750")


@pytest.mark.slow
def test_worst_first_and_back_by_the_browser(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat")
    page.select_option("#order", "worst")
    first_row(page, 0)
    assert query(page) == {"class": "cat", "order": "worst"}
    page.go_back()
    first_row(page, 99)
    expect(page.locator("#order")).to_have_value("best")
    page.go_forward()
    first_row(page, 0)


@pytest.mark.slow
def test_arrow_keys_turn_the_page(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat")
    page.keyboard.press("ArrowRight")
    first_row(page, 51)
    page.keyboard.press("ArrowRight")
    first_row(page, 3)
    page.keyboard.press("ArrowRight")  # there is no fourth
    assert rows(page) == [3, 2, 1, 0]
    assert query(page)["page"] == "3"
    expect(page.locator(".controls .pager")).to_contain_text("Page 3 of 3")
    page.keyboard.press("ArrowLeft")
    first_row(page, 51)
    page.locator(".controls .pager").get_by_label("Previous page").click()
    first_row(page, 99)


@pytest.mark.slow
def test_filters(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat&page=2")
    buttons = page.locator("#show a").all_inner_texts()
    assert [text.replace("\xa0", " ") for text in buttons] == [
        "All 100",
        "Hits 39",
        "Misses 2",
        "False alarms 9",
        "Ignored 2",
    ]
    page.locator("#show a", has_text="Misses").click()
    first_row(page, 20)
    assert rows(page) == [20, 10]
    assert query(page) == {"class": "cat", "show": "misses"}
    page.locator("#show a", has_text="False alarms").click()
    first_row(page, 59)
    assert len(rows(page)) == 9
    expect(page.locator('#show a[aria-pressed="true"]')).to_contain_text("False alarms")


def slide(page: Page, value: float) -> None:
    """Move the slider as a hand would: many `input` events, then one `change`."""
    page.locator("#threshold").evaluate(
        """(slider, value) => {
          for (const at of [0.9, 0.1, value]) {
            slider.value = at;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
          }
          slider.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        value,
    )


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.7, ["1.000", "1.000", "0.707", "29 of 98"]),  # 29/29, 29/29, 29/41
        (0.3, ["0.868", "0.574", "0.951", "68 of 98"]),  # 59/68, 39/68, 39/41
        (1, ["–", "–", "0.000", "0 of 98"]),
    ],
)
@pytest.mark.slow
def test_slider_moves_the_numbers(show: Show, multilabel_url: str, threshold: float, expected: list[str]) -> None:
    page = show(f"{multilabel_url}/?class=cat")
    slide(page, threshold)
    expect(page.locator("#numbers dd").last).to_have_text(expected[3])
    assert numbers(page) == expected
    assert query(page) == {"class": "cat", "t": str(threshold)}
    page.locator("#threshold-reset").click()
    expect(page.locator("#numbers dd").last).to_have_text("48 of 98")
    assert query(page) == {"class": "cat"}


@pytest.mark.slow
def test_slider_by_keyboard_and_number(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat")
    page.locator("#threshold").focus()
    page.keyboard.press("End")
    expect(page.locator("#numbers dd").last).to_have_text("0 of 98")
    page.keyboard.press("ArrowLeft")  # moves the slider, not the page
    expect(page.locator("#threshold-number")).to_have_value("0.999")
    page.fill("#threshold-number", "0.7")
    expect(page.locator("#numbers dd").last).to_have_text("29 of 98")
    page.fill("#threshold-number", "7")  # not a score: the numbers stay
    assert numbers(page)[3] == "29 of 98"


@pytest.mark.slow
def test_slider_moves_outcomes_and_the_cut_among_the_images(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat&t=0.7")
    line = page.locator(".cutline")
    expect(line).to_have_text("cut at 0.7 · 29 above it")
    assert line.evaluate("l => [l.previousSibling.dataset.row, l.nextSibling.dataset.row]") == ["70", "69"]
    tile = page.locator('[data-row="69"]')
    expect(tile.locator(".badge")).to_have_text("✗ miss")
    tile.evaluate("t => { t.kept = true; }")
    slide(page, 0.65)
    expect(tile.locator(".badge")).to_have_text("✓ hit")
    assert tile.evaluate("t => t.kept") is True  # drawn again in place: images do not flicker
    assert line.evaluate("l => [l.previousSibling.dataset.row, l.nextSibling.dataset.row]") == ["65", "64"]
    page.locator("#show a", has_text="False alarms").click()
    expect(page.locator("#no-images")).to_have_text("No image is like this; choose another filter.")


@pytest.mark.slow
def test_going_to_the_cut(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat&t=0.3&order=worst&show=hits")
    page.click("#to-cut")
    expect(page.locator(".cutline")).to_have_text("cut at 0.3 · 68 above it")
    assert query(page) == {"class": "cat", "t": "0.3", "page": "2"}


@pytest.mark.slow
def test_table_sorts_by_any_column(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?view=classes")
    names = page.locator("#class-table tbody th")
    expect(names).to_have_text(["cat", "dog", HOSTILE])
    page.click('[data-sort="ap"]')
    expect(names).to_have_text([HOSTILE, "cat", "dog"])
    expect(page.locator("th", has=page.locator('[data-sort="ap"]'))).to_have_attribute("aria-sort", "descending")
    page.click('[data-sort="ap"]')
    expect(names).to_have_text(["cat", HOSTILE, "dog"])  # what is undefined stays last
    page.click('[data-sort="class"]')
    expect(names.nth(1)).to_have_text("cat")
    expect(page.locator("#class-table tbody tr").nth(1)).to_have_text("cat0.750412")
    page.locator("#class-table tbody a", has_text="cat").click()
    expect(page.locator("#title")).to_have_text("cat")
    assert "view" not in query(page)


@pytest.mark.slow
def test_one_image_and_its_neighbours(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat")
    page.locator('[data-row="53"] a').click()
    dialog, name = page.locator("#detail"), page.locator("#detail-name")
    expect(name).to_have_text("053.jpg")
    expect(dialog.locator("#detail-place")).to_have_text("47 of 48 on page 1")
    expect(dialog.locator("#detail-scores li")).to_have_text(
        [f"{HOSTILE}0.900✓ hit", "cat0.535! false alarm", "dog0.100"]
    )
    expect(dialog.locator("#detail-facts")).to_have_text("loss 0.530 · 1 hit · 0 misses · 1 false alarm")
    assert query(page)["image"] == "53"
    page.keyboard.press("j")
    expect(name).to_have_text("052.jpg")
    page.keyboard.press("ArrowRight")  # over the end of the page
    expect(name).to_have_text("051.jpg")
    assert query(page)["page"] == "2"
    page.keyboard.press("k")
    expect(name).to_have_text("052.jpg")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert query(page) == {"class": "cat"}


@pytest.mark.slow
def test_every_view_has_an_address(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat&order=worst&show=false_alarms&t=0.53&image=57")
    expect(page.locator("#detail-name")).to_have_text("057.jpg")
    assert rows(page) == [53, 54, 56, 57, 58, 59]
    page.locator("#detail-scores a", has_text="dog").click()
    expect(page.locator("#title")).to_have_text("dog")
    expect(page.locator("#detail")).to_be_hidden()


@pytest.mark.slow
def test_finding_a_class(show: Show, multilabel_url: str) -> None:
    page = show(multilabel_url)
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("do")
    expect(page.locator("#class-list li:visible")).to_have_count(2)  # dog, and document in the hostile name
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("dog")
    page.locator("#find").fill("75")  # the AP beside a class is not part of its name
    expect(page.locator("#none-found")).to_be_visible()
    page.locator("#find").fill("")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("cat")


@pytest.mark.slow
def test_hostile_class_name_is_only_text(show: Show, multilabel_url: str) -> None:
    page = show(multilabel_url)
    choose(page, HOSTILE)
    expect(page.locator("#title")).to_have_text(HOSTILE)
    expect(page).to_have_title(f"{HOSTILE} · made-up/001 · saccade")
    assert query(page)["class"] == HOSTILE
    page.reload()
    expect(page.locator("#title")).to_have_text(HOSTILE)


@pytest.mark.slow
def test_another_evaluation(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cat")
    page.select_option("#evaluation", "test")
    first_row(page, 29)
    assert query(page) == {"class": "cat", "evaluation": "test"}
    expect(page.locator("#subtitle")).to_have_text("2 of 30 images show it")


@pytest.mark.slow
def test_confusions_lead_to_their_images(show: Show, classify_url: str) -> None:
    page = show(classify_url)
    page.locator(".tabs a", has_text="Confusions").click()
    cells = page.locator("#matrix tbody td")
    expect(cells).to_have_text(["2", "1", "·", "1", "1", "·", "·", "·", "1"])
    cells.nth(1).locator("a").click()
    expect(page.locator("#cell")).to_contain_text("Only a taken for b")
    first_row(page, 2)
    assert rows(page) == [2]
    page.locator("#cell a").click()
    expect(page.locator("#grid .tile")).to_have_count(6)


@pytest.mark.slow
def test_classify_shows_label_and_answer(show: Show, classify_url: str) -> None:
    page = show(classify_url)
    assert page.locator("#grid .tile").first.locator("p").all_inner_texts() == [
        "loss 1.600\n✗ wrong",
        "a, taken for b",
    ]
    page.locator("#show a", has_text="Wrong").click()
    expect(page.locator("#grid .tile")).to_have_count(2)
    choose(page, "a")
    assert rows(page) == [0, 1, 4, 3, 2, 5]
    assert numbers(page) == ["0.667", "0.667", "0.667", "3 of 6"]


@pytest.mark.slow
def test_images_that_are_gone_leave_the_numbers(show: Show, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_multilabel(run, "val", tmp_path / "gone", ["0.jpg", "1.jpg"])
    for address in served(run):
        page = show(f"{address}/?class=cat")
        expect(page.locator("#missing")).to_contain_text("Start again with data.root=PATH")
        expect(page.locator("#grid .placeholder")).to_have_text(["data folder not found"] * 2)
        assert numbers(page)[3] == "0 of 2"


@pytest.mark.slow
def test_an_image_that_cannot_be_read(show: Show, tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_text("not an image")
    run = new_run(tmp_path)
    write_multilabel(run, "val", tmp_path, ["0.jpg"])
    for address in served(run):
        page = show(address, allowed="404")
        expect(page.locator("#grid .placeholder")).to_have_text("not a readable image")


@pytest.mark.slow
def test_stale_address_is_said_in_words(show: Show, multilabel_url: str) -> None:
    page = show(f"{multilabel_url}/?class=cow", allowed="404")
    expect(page.locator("#problem")).to_have_text("This cannot be shown: there is no class cow. Start afresh")
    expect(page.locator("main")).to_have_text("", use_inner_text=True)
    choose(page, "cat")
    expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["/", "/?class=cat", "/?view=classes", "/?class=cat&image=50"])
@pytest.mark.slow
def test_phone_has_no_sideways_scrolling(show: Show, multilabel_url: str, view: str, scheme: str) -> None:
    page = show(multilabel_url + view, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.slow
def test_choosing_a_class_on_a_phone(show: Show, multilabel_url: str) -> None:
    page = show(multilabel_url, viewport={"width": 390, "height": 844})
    expect(page.locator("#side")).to_be_hidden()
    page.click("#open-side")
    choose_from = page.locator("#class-list a", has_text="cat")
    choose_from.click()
    expect(page.locator("#chosen")).to_have_text("cat")
    expect(page.locator("#side")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.slow
def test_text_has_contrast(show: Show, multilabel_url: str, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for text on its ground, for the colours that carry text."""
    page = show(multilabel_url, color_scheme=scheme)
    colours = page.evaluate(
        """names => {
          const style = getComputedStyle(document.documentElement);
          return Object.fromEntries(names.map(name => [name, style.getPropertyValue("--" + name).trim()]));
        }""",
        ["ground", "surface", "sunken", "tint", "ink", "quiet", "accent", "hit", "miss", "alarm"],
    )

    def luminance(name: str) -> float:
        channels = [int(colours[name][k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for ground in ("ground", "surface", "sunken", "tint"):
        for text in ("ink", "quiet", "accent"):
            dark, bright = sorted((luminance(ground), luminance(text)))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
    for text in ("hit", "miss", "alarm"):
        for ground in ("ground", "surface"):
            dark, bright = sorted((luminance(ground), luminance(text)))
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
