"""The caption that is said of every image, against the best found by trying every reference."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.captions.cider import CiderD
from saccade.metrics.captions.tokenizer import tokenize
from saccade.report.constant import constant_caption

from .caption_run import spoken


def test_the_one_that_most_images_have() -> None:
    """Three images of four have "a dog", which weighs log(4 / 3) a word; "an owl" weighs more, and helps one alone."""
    references = [[["a", "dog"]], [["a", "dog"]], [["a", "dog"]], [["an", "owl"]]]
    caption, value = constant_caption(references)
    assert caption == ("a", "dog")
    assert value == pytest.approx(3 / 4 * 10 * 2 / 4)  # alike for n = 1 and 2, and no longer runs: 5 of 10


@pytest.mark.parametrize("n", [2, 12, 40])
def test_no_reference_is_better(n: int) -> None:
    references = [[tuple(tokenize(c).split()) for c in of_image] for of_image in spoken(n)[1]]
    scorer = CiderD(references)
    every = {c for of_image in references for c in of_image}
    best = max(float(scorer.scores([c] * n).mean()) for c in every)
    caption, value = constant_caption(references)
    assert value == pytest.approx(best)
    assert float(np.mean(scorer.scores([caption] * n))) == value


def test_one_image_and_references_without_a_word() -> None:
    assert constant_caption([[["a", "cat"], ["one", "cat"]]]) == (("a", "cat"), 0.0)
    assert constant_caption([[[]], [[]]]) == ((), 0.0)
