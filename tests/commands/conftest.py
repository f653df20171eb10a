"""For trainings of seconds."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _figures(request: pytest.FixtureRequest) -> None:
    """A test in which figures are rendered is marked ``figures``."""
    if request.node.get_closest_marker("figures") is None:
        request.getfixturevalue("blank_figures")
