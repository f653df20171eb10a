"""The settings of a method are those of the config."""

from __future__ import annotations

from saccade.config.schema import Explain
from saccade.explain.options import Fill


def test_the_colours_are_those_of_the_config() -> None:
    assert Explain.model_fields["fill"].annotation == Fill
