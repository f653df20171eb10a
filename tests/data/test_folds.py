"""LD and ED are the measures of Sechidis, Tsoumakas and Vlahavas 2011, section 4.1; less is better."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from saccade.data.folds import folds
from saccade.errors import DataError

Folds = list[NDArray[np.int64]]


def skewed(n: int, classes: int, seed: int) -> NDArray[np.int8]:
    """Labels of which a few are frequent and most are rare, as in photographs."""
    rng = np.random.default_rng(seed)
    return (rng.random((n, classes)) < rng.beta(0.4, 5, classes)).astype(np.int8)


def label_distribution(targets: NDArray[np.int8], parts: Folds) -> float:
    """LD: how far the odds of each label in each fold are from those in all images, on average."""
    found = targets[:, (targets == 1).any(axis=0)] == 1
    whole = found.sum(axis=0) / (len(found) - found.sum(axis=0))
    odds = [found[p].sum(axis=0) / np.maximum(len(p) - found[p].sum(axis=0), 1) for p in parts]
    return float(np.abs(np.stack(odds) - whole).mean())


def examples_distribution(n: int, parts: Folds) -> float:
    """ED: how far the sizes are from N / k, on average."""
    return float(np.mean([abs(len(p) - n / len(parts)) for p in parts]))


def at_random(n: int, k: int, seed: int) -> Folds:
    """Folds without a look at the labels, each image drawn on its own."""
    part = np.random.default_rng(seed).integers(0, k, n)
    return [np.flatnonzero(part == fold) for fold in range(k)]


EITHER = [np.random.default_rng(0).integers(0, 4, 101), skewed(101, 6, 0), np.zeros((101, 2), np.int8)]


@pytest.mark.parametrize("targets", EITHER, ids=["one", "many", "nothing"])
@pytest.mark.parametrize("k", [2, 3, 5, 10, 100, 101])
def test_every_image_is_in_one_fold_and_sizes_differ_by_one(targets: NDArray[np.int64], k: int) -> None:
    parts = folds(targets, k, 0)
    assert len(parts) == k
    assert sorted(i for part in parts for i in part.tolist()) == list(range(101))
    assert all(part.tolist() == sorted(part.tolist()) for part in parts)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("targets", EITHER[:2], ids=["one", "many"])
def test_a_function_of_its_arguments(targets: NDArray[np.int64]) -> None:
    before = np.random.get_state()[1][0]
    first, again, other = (folds(targets.copy(), 5, seed) for seed in (7, 7, 8))
    assert [p.tolist() for p in first] == [p.tolist() for p in again]
    assert [p.tolist() for p in first] != [p.tolist() for p in other]
    assert np.random.get_state()[1][0] == before


def test_stays_what_it_was() -> None:
    """Recorded: a run that is resumed must find its folds again on another machine and another NumPy."""
    assert [p.tolist() for p in folds(np.arange(10) % 3, 3, 1)] == [[2, 3, 4, 9], [0, 5, 7], [1, 6, 8]]
    many = (np.arange(30).reshape(10, 3) % 4 == 0).astype(np.int8)
    assert [p.tolist() for p in folds(many, 3, 1)] == [[2, 3, 4, 9], [1, 6, 8], [0, 5, 7]]


def test_a_class_differs_by_one_image_as_with_scikit_learn() -> None:
    targets = np.repeat(np.arange(8), [5, 6, 9, 5, 23, 100, 7, 11])
    reference = [test for _, test in StratifiedKFold(5, shuffle=True, random_state=0).split(targets, targets)]
    for parts in (folds(targets, 5, 0), reference):
        counted = np.stack([np.bincount(targets[part], minlength=8) for part in parts])
        assert (counted.max(axis=0) - counted.min(axis=0) <= 1).all()


def test_by_hand() -> None:
    """Two images show the rare and the common class, four the common one, two nothing: each of two folds has half."""
    targets = np.array([[1, 1]] * 2 + [[0, 1]] * 4 + [[0, 0]] * 2, dtype=np.int8)
    for seed in range(10):
        for part in folds(targets, 2, seed):
            assert targets[part].sum(axis=0).tolist() == [1, 3]
            assert (~targets[part].any(axis=1)).sum() == 1
            assert len(part) == 4


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_shared_out_better_than_by_chance(seed: int) -> None:
    targets = skewed(1000, 20, seed)
    ours, chance = folds(targets, 5, seed), at_random(1000, 5, seed)
    assert label_distribution(targets, ours) < 0.25 * label_distribution(targets, chance)
    assert examples_distribution(1000, ours) == 0.0 < examples_distribution(1000, chance)
    counted = np.stack([targets[part].sum(axis=0) for part in ours])
    rare = targets.sum(axis=0) <= 50
    assert rare.sum() >= 5
    assert (counted.max(axis=0) - counted.min(axis=0))[rare].max() <= 2


@pytest.mark.parametrize("k", [2, 5, 7])
def test_images_of_nothing_are_spread_evenly(k: int) -> None:
    """One class and nothing: as many of either in each fold as in any other, but for one."""
    targets = (np.arange(500)[:, None] % 9 == 0).astype(np.int8)
    counted = np.array([np.bincount(targets[part, 0], minlength=2) for part in folds(targets, k, 0)])
    assert (counted.max(axis=0) - counted.min(axis=0) <= 1).all()


def test_ignored_is_as_good_as_absent() -> None:
    targets = skewed(200, 5, 1)
    ignored = np.where((targets == 0) & (np.random.default_rng(0).random(targets.shape) < 0.3), -1, targets)
    assert (ignored == -1).any()
    for one, other in zip(folds(targets, 5, 2), folds(ignored.astype(np.int8), 5, 2), strict=True):
        assert one.tolist() == other.tolist()


def test_classes_with_fewer_images_than_folds_lie_in_different_folds() -> None:
    targets = np.repeat(np.arange(3), [2, 3, 20])
    for seed in range(10):
        parts = folds(targets, 5, seed)
        for rare in (0, 1):
            assert max(int((targets[part] == rare).sum()) for part in parts) == 1
    many = np.zeros((25, 3), np.int8)
    many[np.arange(25), targets] = 1
    for seed in range(10):
        assert max((many[part].sum(axis=0)[:2]).max() for part in folds(many, 5, seed)) == 1


def test_a_class_without_images() -> None:
    targets = np.array([0, 2] * 5)
    assert [np.bincount(targets[part], minlength=3).tolist() for part in folds(targets, 5, 0)] == [[1, 0, 1]] * 5


@pytest.mark.parametrize("targets", [np.zeros(3, np.int64), np.zeros((3, 2), np.int8)])
def test_refusals(targets: NDArray[np.int64]) -> None:
    with pytest.raises(DataError) as caught:
        folds(targets, 4, 0)
    assert str(caught.value) == (
        "data.folds: 4 folds of 3 training images would leave folds empty; set it to 3 or fewer"
    )
    with pytest.raises(DataError, match=r"data\.folds: 1 is no number of folds"):
        folds(targets, 1, 0)
