"""Fixtures of the tests of tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

import spot_tasks
from saccade.data import scene_files


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn scenes with words, in ICDAR's layout."""
    folder = tmp_path_factory.mktemp("scenes") / "data"
    scene_files.ensure(folder, train=6, val=4, size=spot_tasks.SIZE, seed=0, layout="words")
    return folder
