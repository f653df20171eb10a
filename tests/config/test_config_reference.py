"""The config reference names every key with its default and what it takes."""

from __future__ import annotations

from saccade.config.nodes import dotted
from saccade.config.reference import reference_markdown
from saccade.config.shape import all_keys


def rows() -> dict[str, list[str]]:
    """The cells of each row by key."""
    text = reference_markdown().replace("\\|", "!")
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells[1:] for cells in lines}


def test_every_key_has_a_row_with_a_text():
    found = rows()
    wanted = {dotted(key) for key in all_keys() if len(key) > 1 or dotted(key) in ("name", "seed")}
    assert set(found) == wanted
    assert all(len(cells) == 3 and len(cells[2]) > 4 for cells in found.values())


def test_rows_say_what_is_taken_and_the_default():
    found = rows()
    assert found["data.augment.crop"][:2] == ["a list of 2 numbers from 0 to 1 or null", "`[0.35, 1]`"]
    assert found["data.root"][:2] == ["a path", "must be given"]
    assert found["data.classes"][:2] == ["a list of texts or null", "`null`"]
    assert found["optim.lr"][:2] == ["a number > 0", "`0.001`"]
    assert found["trainer.deterministic"][:2] == ["true or false", "`true`"]
    assert found["data.augment"][:2] == ["a section, below", ""]
    assert found["seed"][1] == "`0`"


def test_each_task_has_a_section():
    text = reference_markdown()
    assert "## task (task.name: multilabel)\n" in text
    assert "## task (task.name: classify)\n" in text
    assert "## task (task.name: caption)\n" in text
    assert text.count("\n## ") == 17
