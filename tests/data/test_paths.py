from __future__ import annotations

import pickle

import numpy as np
import pytest

from saccade.data import paths
from saccade.data.paths import PathList

NAMES = ["a.jpg", "", "Straße/犬.jpg", "b/c d.png", "\udcff.jpg"]  # the last is not UTF-8 on disk


def test_holds_what_a_list_holds() -> None:
    held = PathList(NAMES)
    assert list(held) == NAMES
    assert [held[i] for i in range(len(held))] == NAMES
    assert held[-1] == NAMES[-1]
    assert held[1:4:2] == NAMES[1:4:2]
    assert "b/c d.png" in held
    with pytest.raises(IndexError):
        held[5]
    with pytest.raises(IndexError):
        held[-6]


def test_empty() -> None:
    assert list(PathList([])) == []
    assert list(PathList([]).take(np.array([], dtype=np.int64))) == []


@pytest.mark.parametrize("chunk", [1, 2, 65536])
def test_take_equals_indexing_a_list(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(paths, "_CHUNK", chunk)
    held = PathList(NAMES)
    for indices in ([], [0], [4, 0, 0, 2], [1, 1], [3, 2, 1, 0]):
        taken = held.take(np.array(indices, dtype=np.int64))
        assert list(taken) == [NAMES[i] for i in indices]
        assert list(taken.take(np.arange(len(indices)))) == list(taken)
    assert list(held) == NAMES


def test_pickles_as_two_arrays() -> None:
    names = [f"train/class_{i % 10}/image_{i:06d}.jpg" for i in range(10_000)]
    data = pickle.dumps(PathList(names), protocol=5)
    assert list(pickle.loads(data)) == names
    assert len(data) < sum(map(len, names)) + 8 * len(names) + 1000  # the text, 8 bytes a name, and a head
