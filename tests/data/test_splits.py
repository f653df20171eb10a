from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedShuffleSplit

from saccade.data.splits import cut


def single(sizes: list[int], seed: int = 0) -> NDArray[np.int64]:
    """Classes in the given numbers, shuffled."""
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


def multi(n: int, shares: NDArray[np.float64], seed: int = 0) -> NDArray[np.int8]:
    return (np.random.default_rng(seed).random((n, len(shares))) < shares).astype(np.int8)


EITHER = [single([50, 30, 20]), multi(100, np.array([0.5, 0.2, 0.05]))]


@pytest.mark.parametrize("targets", EITHER, ids=["one", "many"])
@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.5, 0.9])
def test_every_image_is_on_one_side_and_the_total_is_exact(targets: NDArray[np.int64], share: float) -> None:
    kept, cut_off = cut(targets, share, 0)
    assert sorted([*kept, *cut_off]) == list(range(100))
    assert kept.tolist() == sorted(kept)
    assert cut_off.tolist() == sorted(cut_off)
    assert len(cut_off) == round(share * 100)


@pytest.mark.parametrize("targets", EITHER, ids=["one", "many"])
def test_a_function_of_its_arguments(targets: NDArray[np.int64]) -> None:
    before = np.random.get_state()[1][0]
    assert cut(targets, 0.2, 7)[1].tolist() == cut(targets.copy(), 0.2, 7)[1].tolist()
    assert cut(targets, 0.2, 7)[1].tolist() != cut(targets, 0.2, 8)[1].tolist()
    assert np.random.get_state()[1][0] == before


def test_stays_what_it_was() -> None:
    """Recorded values: a run of today must find its holdout again on another machine and another NumPy."""
    assert cut(np.arange(20) % 3, 0.3, 1)[1].tolist() == [2, 9, 14, 16, 18, 19]
    assert cut(multi(20, np.array([0.5, 0.3])), 0.3, 1)[1].tolist() == [2, 4, 6, 10, 14, 19]


@pytest.mark.parametrize(
    ("sizes", "share", "expected"),
    [
        ([50, 30, 20], 0.1, [5, 3, 2]),
        ([200, 10], 0.1, [20, 1]),
        ([10, 10, 10], 0.5, [5, 5, 5]),
        ([98, 1, 1], 0.1, [10, 0, 0]),  # a single image is kept
        ([2, 2], 0.9, [1, 1]),  # 4 x 0.9 = 4 would leave nothing to learn from
        ([1], 0.5, [0]),
        ([0, 10, 0], 0.2, [0, 2, 0]),  # classes without images
        ([7, 0], 0.0, [0, 0]),
    ],
)
def test_one_class_an_image_by_hand(sizes: list[int], share: float, expected: list[int]) -> None:
    targets = single(sizes)
    _, cut_off = cut(targets, share, 3)
    assert np.bincount(targets[cut_off], minlength=len(sizes)).tolist() == expected


def test_no_class_is_off_by_a_whole_image() -> None:
    """As scikit-learn's StratifiedShuffleSplit: each class gets its share, rounded up or down."""
    targets = single([3, 5, 8, 13, 21, 34, 55, 89, 144, 233])
    _, cut_off = cut(targets, 0.2, 0)
    ours = np.bincount(targets[cut_off])
    reference = next(StratifiedShuffleSplit(1, test_size=len(cut_off), random_state=0).split(targets, targets))[1]
    sizes = np.bincount(targets)
    for counted in (ours, np.bincount(targets[reference])):
        assert (np.abs(counted - 0.2 * sizes) < 1).all()


def test_remainders_go_round_by_lot() -> None:
    """1000 classes of 4 images, of which 0.1 is cut: 400 classes give one, and not the first 400 of them."""
    targets = single([4] * 1000)
    given = np.bincount(targets[cut(targets, 0.1, 0)[1]], minlength=1000)
    assert given.sum() == 400
    assert given.max() == 1
    assert 150 < given[:500].sum() < 250


@pytest.mark.parametrize("seed", range(5))
def test_iterative_stratification_is_closer_than_chance(seed: int) -> None:
    targets = multi(2000, np.linspace(0.01, 0.3, 12), seed)
    _, cut_off = cut(targets, 0.1, seed)
    wanted = 0.1 * targets.sum(axis=0)
    off = np.abs(targets[cut_off].sum(axis=0) - wanted)
    by_chance = np.random.default_rng(seed).permutation(2000)[:200]
    assert off.mean() < 0.5 * np.abs(targets[by_chance].sum(axis=0) - wanted).mean()
    assert off[:6].max() <= 1.5  # the rare classes, which chance serves worst


def test_iterative_stratification_by_hand() -> None:
    """Two images show the rare and the common class, six the common one, four nothing; half is cut."""
    targets = np.array([[1, 1]] * 2 + [[0, 1]] * 6 + [[0, 0]] * 4, dtype=np.int8)
    for seed in range(10):
        _, cut_off = cut(targets, 0.5, seed)
        assert targets[cut_off].sum(axis=0).tolist() == [1, 4]
        assert len(cut_off) == 6


def test_ignored_is_not_present() -> None:
    targets = np.array([[1, -1]] * 10 + [[0, 1]] * 10, dtype=np.int8)
    _, cut_off = cut(targets, 0.2, 0)
    assert (targets[cut_off] == 1).sum(axis=0).tolist() == [2, 2]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_every_class_of_many_stays_on_the_kept_side(share: float) -> None:
    targets = multi(300, np.full(40, 0.01), 1)
    targets[0, 0], targets[1:, 0] = 1, 0
    kept, _ = cut(targets, share, 0)
    assert (targets[kept].sum(axis=0) > 0)[targets.sum(axis=0) > 0].all()
    assert 0 in kept


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_images_without_labels(n: int) -> None:
    kept, cut_off = cut(np.zeros((n, 3), dtype=np.int8), 0.5, 0)
    assert (len(kept), len(cut_off)) == {0: (0, 0), 1: (1, 0), 2: (1, 1), 3: (1, 2)}[n]  # round(1.5) is 2


def test_large() -> None:
    """50,000 images of 80 classes take well under a second; a quadratic way would take minutes."""
    targets = multi(50_000, np.random.default_rng(0).beta(0.3, 6, 80))
    _, cut_off = cut(targets, 0.1, 0)
    assert len(cut_off) == 5000
    rare = targets.sum(axis=0) < 2000
    assert np.abs(targets[cut_off].sum(axis=0) - 0.1 * targets.sum(axis=0))[rare].max() <= 1.5
