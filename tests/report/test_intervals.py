"""Intervals over images, against SciPy's bootstrap and against captions scored draw by draw."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from saccade.metrics.captions.scores import caption_scores
from saccade.metrics.captions.tokenizer import tokenize
from saccade.report import intervals
from saccade.report.intervals import caption_intervals

from .caption_run import spoken


def words(n: int) -> tuple[list[list[str]], list[list[list[str]]]]:
    captions, references = spoken(n)
    return [tokenize(c).split() for c in captions], [[tokenize(c).split() for c in of] for of in references]


def test_means_agree_with_scipy() -> None:
    """SciPy's percentile method with ten times the draws; two sets of draws differ by some percent of the width."""
    values = np.random.default_rng(3).exponential(1.5, 120)
    found = caption_intervals(*words(120), {"cider": values.tolist()})["cider"]
    expected = bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", random_state=np.random.default_rng(1)
    ).confidence_interval
    width = expected.high - expected.low
    assert found == pytest.approx((expected.low, expected.high), abs=0.06 * width)


def test_bleu_is_that_of_the_captions_of_each_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "DRAWS", 40)
    captions, references = spoken(7)
    generator = np.random.default_rng(0)
    each = []
    for _ in range(40):
        drawn = generator.integers(7, size=7)
        scores = caption_scores([captions[i] for i in drawn], [references[i] for i in drawn])
        each.append([scores.metrics[f"bleu{k}"] for k in range(1, 5)])
    expected = np.percentile(each, [2.5, 97.5], axis=0)
    found = caption_intervals(*words(7), {})
    assert list(found) == ["bleu1", "bleu2", "bleu3", "bleu4"]
    np.testing.assert_allclose(np.array(list(found.values())).T, expected, rtol=1e-12)


def test_images_that_are_all_alike_have_an_interval_without_width() -> None:
    said, written = words(3)
    found = caption_intervals([said[0]] * 9, [written[0]] * 9, {"cider": [0.4] * 9})
    assert found["cider"] == pytest.approx((0.4, 0.4))
    assert found["bleu4"][0] == found["bleu4"][1]


def test_of_one_image_nothing_can_be_said() -> None:
    assert caption_intervals(*words(1), {"cider": [0.0]}) == {}
