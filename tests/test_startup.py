"""Commands that need no torch do not import it. How long they take is measured in bench/startup.py."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

HEAVY = ("torch", "torchvision", "lightning", "timm", "torchmetrics", "matplotlib", "polars", "fastapi", "numpy")

ANSWERS = {
    "--help": 0,
    "--version": 0,
    "train --help": 0,
    "summary --help": 0,
    "summary voc-multilabel model.nmae=x": 2,
    "data prepare --help": 0,
    "data fetch --help": 0,
    "data features --help": 0,
    "presets": 0,
    "presets voc-multilabel": 0,
    "config check voc-multilabel data.root=x": 0,
    "config show scenes-multilabel": 0,
    "config schema": 0,
    "train voc-multilabel model.nmae=x": 2,
    "train voc-multilabel data.root=not/there": 2,
}
"""Command lines and how they exit."""

PROGRAM = """
import contextlib, io, json, sys

heavy, *lines = map(str.split, sys.argv[1:])
seen = set()

def newly_loaded():
    found = [name for name in heavy if name in sys.modules and name not in seen]
    seen.update(found)
    return found

import saccade
found = {"import saccade": [None, newly_loaded()]}
from saccade.cli import main
for line in lines:
    sys.argv = ["saccade", *line]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main()
            code = None
        except SystemExit as error:
            code = error.code
    found[" ".join(line)] = [code or 0, newly_loaded()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def done() -> dict[str, Any]:
    """Of each command line, one after the other in one process: the exit code, and what it was the first to load."""
    words = [sys.executable, "-c", PROGRAM, " ".join(HEAVY), *ANSWERS]
    found: dict[str, Any] = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return found


@pytest.mark.parametrize("line", ANSWERS)
def test_answers_without_what_is_heavy(done: dict[str, Any], line: str) -> None:
    assert done[line] == [ANSWERS[line], []]


def test_import_saccade_is_quick(done: dict[str, Any]) -> None:
    """That it finds the commands later, tests/test_docs.py sees to."""
    assert done["import saccade"] == [None, []]
