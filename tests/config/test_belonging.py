"""Settings that mean nothing to a task: refused, unless they are switched off."""

from __future__ import annotations

import pytest

from saccade.config.load import load
from saccade.errors import ConfigError


@pytest.mark.parametrize("setting", ["data.augment.flip=0", "data.augment.crop=null", "data.augment.vertical_flip=0"])
def test_what_is_switched_off_may_be_said_anywhere(setting: str) -> None:
    load("scenes-spot", [setting])


@pytest.mark.parametrize(
    "setting", ["data.augment.flip=0.3", "data.augment.crop=[0.5, 1]", "data.augment.randaugment=2"]
)
def test_text_is_neither_flipped_nor_cut_at_random(setting: str) -> None:
    with pytest.raises(ConfigError, match=rf"{setting.split('=')[0]} .*, which task\.name=spot does not know"):
        load("scenes-spot", [setting])


def test_sheets_are_for_spot() -> None:
    load("scenes-spot", ["data.scenes.sheets=5"])
    with pytest.raises(ConfigError, match=r"data\.scenes\.sheets .*: is 5, which task\.name=classify does not know"):
        load("scenes-classify", ["data.scenes.sheets=5"])
