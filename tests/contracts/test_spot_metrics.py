"""What the numbers of text spotting keep, on images with words found, missed, misread and made up."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores
from saccade.metrics.stateful_spot import SpotMetrics

N = 40
WORDS = ["cat", "Dog", "BUS", "cow", "42", "o'clock", "é", "a b"]


def split():
    """N images: words on a grid, of which some are not cared for; found a little off, misread, not at all, or extra."""
    rng = np.random.default_rng(0)
    truths, found = [], []
    for _ in range(N):
        k = int(rng.integers(0, 7))
        x, y = 50.0 * np.arange(k), rng.uniform(0, 20, k)
        corners = np.array([[0, 0], [40, 0], [40, 10], [0, 10]])
        quads = np.stack([x, y], axis=1)[:, None] + corners
        texts = rng.choice(WORDS, k).tolist()
        cared = rng.random(k) < 0.8
        truths.append(Truth(quads, tuple(t if c else "###" for t, c in zip(texts, cared, strict=True)), cared))
        seen = rng.random(k) < 0.8
        off = quads[seen] + rng.uniform(-4, 4, (int(seen.sum()), 1, 2))
        read = [t if rng.random() < 0.6 else str(rng.choice(WORDS)) for t, s in zip(texts, seen, strict=True) if s]
        extra = int(rng.integers(0, 2))
        off = np.concatenate([off, np.tile([[[0, 300], [9, 300], [9, 309], [0, 309]]], (extra, 1, 1))])
        found.append(Detections(off, tuple(read + ["no"] * extra)))
    return truths, found


def fed(truths, found, batches, **settings):
    metric = SpotMetrics(**settings)
    for part in batches:
        metric.update(torch.as_tensor(part, dtype=torch.int64), [truths[i] for i in part], [found[i] for i in part])
    return metric.compute()


def test_the_order_of_the_images_does_not_matter():
    truths, found = split()
    order = np.random.default_rng(1).permutation(N)
    turned = spotting_scores([truths[i] for i in order], [found[i] for i in order])
    once = spotting_scores(truths, found)
    assert (turned.metrics, turned.counts, turned.words) == (once.metrics, once.counts, once.words)
    for name, values in once.per_image.items():
        assert turned.per_image[name] == [values[i] for i in order]


def test_every_image_twice_gives_the_same_fractions():
    truths, found = split()
    once, twice = spotting_scores(truths, found), spotting_scores(truths * 2, found * 2)
    assert twice.metrics == once.metrics
    assert (twice.words.cer, twice.words.word_accuracy) == (once.words.cer, once.words.word_accuracy)
    assert twice.counts == {name: counts + counts for name, counts in once.counts.items()}


@pytest.mark.parametrize("sizes", [[N], [1] * N, [13, 0, 26, 1]])
@pytest.mark.parametrize("seed", [None, 0, 1])
def test_batches_and_their_order_do_not_matter_to_the_last_bit(sizes, seed):
    truths, found = split()
    order = np.arange(N) if seed is None else np.random.default_rng(seed).permutation(N)
    assert fed(truths, found, np.split(order, np.cumsum(sizes)[:-1])) == fed(truths, found, [np.arange(N)])


def test_the_numbers_are_those_of_all_images_at_once():
    truths, found = split()
    whole, metrics = spotting_scores(truths, found), fed(truths, found, [np.arange(N)]).metrics
    for name, row in whole.metrics.items():
        assert {part: metrics[f"{name}_{part}"] for part in row} == row
    assert (metrics["cer"], metrics["word_accuracy"]) == (whole.words.cer, whole.words.word_accuracy)


def test_fractions_are_fractions_and_follow_from_the_counts():
    scores = fed(*split(), [np.arange(N)])
    assert all(type(v) is float and 0 <= v <= 1 for v in scores.metrics.values())
    m = scores.metrics
    for name in ("detection", "end_to_end", "word_spotting"):
        precision, recall = m[f"{name}_precision"], m[f"{name}_recall"]
        assert m[f"{name}_hmean"] == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-12)
        assert 0 < precision < 1
    assert m["detection_hmean"] > m["end_to_end_hmean"]


def test_what_is_the_truth_has_one_everywhere():
    truths, _ = split()
    scores = fed(truths, [Detections(t.quads, t.texts) for t in truths], [np.arange(N)])
    assert {k: v for k, v in scores.metrics.items() if v != 1.0} == {"cer": 0.0}


def test_words_not_cared_for_have_no_say():
    """Whatever stands there, and whether it was found."""
    truths, found = split()
    without = [
        Detections(seen.quads[keep], tuple(t for t, k in zip(seen.texts, keep, strict=True) if k))
        for truth, seen in zip(truths, found, strict=True)
        for keep in [[not any(np.abs(quad - q).max() <= 4 for q in truth.quads[~truth.cared]) for quad in seen.quads]]
    ]
    assert sum(len(a.quads) for a in without) < sum(len(a.quads) for a in found)
    assert spotting_scores(truths, without).metrics == spotting_scores(truths, found).metrics


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("reads", [True, False])
def test_few_images_without_words_end_in_json(n, reads):
    none = np.zeros((0, 4, 2))
    truths = [Truth(none, (), np.zeros(0, bool))] * n
    scores = fed(truths, [Detections(none, () if reads else None)] * n, [np.arange(n)], reads=reads)
    assert json.loads(json.dumps(scores.metrics, allow_nan=False)) == scores.metrics
    assert ("cer" in scores.metrics) == reads
    if n == 0:
        assert set(scores.metrics.values()) == {None}


def test_case_matters_to_letters_and_not_to_end_to_end():
    square, cared = np.array([[[0, 0], [9, 0], [9, 9], [0, 9]]], dtype=np.float64), np.array([True])
    scores = fed([Truth(square, ("caB",), cared)], [Detections(square, ("CAb",))], [[0]])
    assert scores.metrics["cer"] == 1.0
    assert {k for k, v in scores.metrics.items() if v != 1.0} == {"word_accuracy"}
