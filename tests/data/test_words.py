"""Words of many images in compact arrays, and in a listing."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.data.listing import Listing, counts, fingerprint
from saccade.data.paths import PathList
from saccade.data.words import ImageWords, Words


def quads(*starts: float) -> NDArray[np.float32]:
    """A rectangle of 10 by 4 pixels at each of ``starts`` along the diagonal."""
    square = np.array([[0, 0], [10, 0], [10, 4], [0, 4]], dtype=np.float32)
    return square + np.array(starts, dtype=np.float32).reshape(-1, 1, 1)


IMAGES = [
    ImageWords(quads(0, 20), ("Exit 5", "###"), np.array([True, False])),
    ImageWords(quads(), (), np.zeros(0, dtype=np.bool_)),
    ImageWords(quads(7), ("é,☕",), np.array([True])),
]


def same(one: ImageWords, other: ImageWords) -> bool:
    return (
        one.quads.tolist() == other.quads.tolist()
        and one.texts == other.texts
        and one.cared.tolist() == other.cared.tolist()
    )


def test_each_image_gets_its_own_words_back() -> None:
    words = Words.gathered(IMAGES)
    assert len(words) == 3
    assert words.counts.tolist() == [2, 0, 1]
    assert all(same(words.of(i), image) for i, image in enumerate(IMAGES))
    assert [a.dtype.name for a in (words.quads, words.cared, words.ends)] == ["float32", "bool", "int64"]
    assert len(words.of(1)) == 0
    assert words.of(1).quads.shape == (0, 4, 2)


@pytest.mark.parametrize("order", [[2, 0, 1], [1], [1, 1], [0, 2, 0], []])
def test_take_keeps_words_with_their_images(order: list[int]) -> None:
    taken = Words.gathered(IMAGES).take(np.array(order, dtype=np.int64))
    assert len(taken) == len(order)
    assert all(same(taken.of(k), IMAGES[i]) for k, i in enumerate(order))


@pytest.mark.parametrize("images", [[], [IMAGES[1]], [IMAGES[1], IMAGES[1]]], ids=["no image", "one", "two"])
def test_images_without_words(images: list[ImageWords]) -> None:
    words = Words.gathered(images)
    assert words.counts.tolist() == [0] * len(images)
    assert words.quads.shape == (0, 4, 2)
    assert list(words.texts) == []


def test_worker_processes_get_the_same_words() -> None:
    copy = pickle.loads(pickle.dumps(Words.gathered(IMAGES)))
    assert all(same(copy.of(i), image) for i, image in enumerate(IMAGES))


@pytest.mark.parametrize(
    ("shape", "texts", "cared"), [((2, 4, 2), ("a",), [True]), ((1, 8), ("a",), [True]), ((1, 4, 2), ("a",), [])]
)
def test_what_does_not_fit_together_is_no_image_of_words(
    shape: tuple[int, ...], texts: tuple[str, ...], cared: list[bool]
) -> None:
    with pytest.raises(AssertionError):
        ImageWords(np.zeros(shape, dtype=np.float32), texts, np.array(cared, dtype=np.bool_))


def listing(root: Path) -> Listing:
    names = PathList(f"{i}.jpg" for i in range(3))
    return Listing(root, names, np.zeros((3, 0), dtype=np.int8), (), words=Words.gathered(IMAGES))


def test_a_listing_takes_its_words_along(tmp_path: Path) -> None:
    taken = listing(tmp_path).take(np.array([2, 0]))
    assert taken.words is not None
    assert list(taken.images) == ["2.jpg", "0.jpg"]
    assert same(taken.words.of(0), IMAGES[2])
    assert same(taken.words.of(1), IMAGES[0])
    assert counts(taken) == {}


def test_a_listing_of_other_images_than_the_words_is_none(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        replace(listing(tmp_path), words=Words.gathered(IMAGES[:2]))


def test_a_listing_without_words_has_none(tmp_path: Path) -> None:
    assert replace(listing(tmp_path), words=None).take(np.array([1])).words is None


@pytest.mark.parametrize("change", ["none", "corner", "letter", "cared", "place"])
def test_fingerprint_sees_the_words(tmp_path: Path, change: str) -> None:
    before = listing(tmp_path)
    first, second, third = IMAGES
    words: Words | None
    if change == "none":
        words = None
    elif change == "corner":
        words = Words.gathered([replace(first, quads=quads(0, 20.5)), second, third])
    elif change == "letter":
        words = Words.gathered([replace(first, texts=("exit 5", "###")), second, third])
    elif change == "cared":
        words = Words.gathered([replace(first, cared=np.array([False, False])), second, third])
    else:
        words = Words.gathered([second, first, third])
    assert fingerprint(replace(before, words=words)) != fingerprint(before)
    assert fingerprint(listing(tmp_path)) == fingerprint(before)
