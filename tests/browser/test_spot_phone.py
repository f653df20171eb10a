"""Words in scenes on a phone; `SPOTS` in spot_run.py is the made-up run."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .test_page import Show
from .test_spot_page import entry, has_address, outline


@pytest.mark.slow
def test_tapping_a_word_on_a_phone(show: Show, spot_url: str) -> None:
    page = show(f"{spot_url}/?image=1", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    outline(page, 1).locator(".line").last.tap()
    has_address(page, image="1", word="1")
    expect(entry(page, 1)).to_have_attribute("aria-pressed", "true")
    entry(page, 0).tap()
    expect(outline(page, 0)).to_have_class("looked")


@pytest.mark.parametrize("view", ["/?text=e", "/?view=overview", "/?image=3&word=0&map=on"])
@pytest.mark.slow
def test_phone_has_no_sideways_scrolling(show: Show, spot_url: str, view: str) -> None:
    page = show(spot_url + view, viewport={"width": 390, "height": 844}, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.querySelector('.scores').scrollWidth") <= 390
