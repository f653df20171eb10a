"""Ragged captions in arrays say what lists of lists would say."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from saccade.data.captions import Captions

LISTS = [["a dog", "ein Hund, größer"], ["one cat"], ["x", "y", "z"]]


@pytest.fixture
def captions() -> Captions:
    return Captions.gathered([30, 10, 20], LISTS)


def test_each_image_has_its_own_captions(captions: Captions) -> None:
    assert len(captions) == 3
    assert [list(captions.of(i)) for i in range(3)] == LISTS
    assert captions.counts.tolist() == [2, 1, 3]
    assert captions.ids.tolist() == [30, 10, 20]
    assert captions.ids.dtype == captions.ends.dtype == np.int64


@pytest.mark.parametrize("indices", [[2, 0], [1], [0, 0, 2], [], [0, 1, 2]])
def test_taken_captions_stay_with_their_images(captions: Captions, indices: list[int]) -> None:
    taken = captions.take(np.array(indices, dtype=np.int64))
    assert [list(taken.of(i)) for i in range(len(taken))] == [LISTS[i] for i in indices]
    assert taken.ids.tolist() == [[30, 10, 20][i] for i in indices]


def test_no_images() -> None:
    nothing = Captions.gathered([], [])
    assert len(nothing) == 0
    assert len(nothing.take(np.zeros(0, np.int64))) == 0


def test_an_image_without_captions_is_a_bug_of_ours() -> None:
    with pytest.raises(AssertionError):
        Captions.gathered([1, 2], [["a"], []])


def test_memory_does_not_grow_with_python_objects() -> None:
    """500,000 captions of 50 letters pickle, for a worker, as their letters and 8 bytes each, in a few buffers."""
    many = Captions.gathered(list(range(1000)), [[f"{i:045d} {k:04d}" for k in range(5)] for i in range(1000)])
    size = len(pickle.dumps(many, protocol=5))
    assert size < 5000 * (50 + 8) + 1000 * (8 + 8) + 2000
    again = pickle.loads(pickle.dumps(many))
    assert again.of(7) == many.of(7)
