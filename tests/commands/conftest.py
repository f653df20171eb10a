"""For trainings of seconds."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.fixture(autouse=True)
def _figures(request: pytest.FixtureRequest) -> None:
    """A test in which figures are rendered is marked ``figures``."""
    if request.node.get_closest_marker("figures") is None:
        request.getfixturevalue("blank_figures")


@pytest.fixture
def without_meteor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its real tables are scored in tests/commands/test_score.py and tests/reference."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if "pycocoevalcap" in name else find(name, *more)
    )
