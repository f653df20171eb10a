from __future__ import annotations

import math
from pathlib import Path

import pytest

from saccade.metrics.captions.meteor import Meteor, corpus_score, score
from tiny_meteor import tiny_tables


@pytest.fixture
def meteor(tmp_path: Path) -> Meteor:
    return Meteor(tiny_tables(tmp_path, synsets={"tree": "1", "plant": "1"}, paraphrases=[("on top of", "above")]))


def test_the_23_counts_by_hand(meteor: Meteor) -> None:
    """Matched: a, "cats" by stem, "above" by paraphrase, "the", and "plant" as a synonym; "on" is a function word."""
    assert meteor.statistics("a cats above the plant", ["a cat on top of the tree ."]) == (
        *(5, 8, 2, 4),
        *(0, 0, 2, 2),
        *(1, 1, 0, 0),
        *(1, 1, 0, 0),
        *(1, 2, 0, 1),
        *(1, 5, 7),
    )


def test_the_score_by_hand(meteor: Meteor) -> None:
    """The counts of the test above, put into the formula."""
    precision = (1 * 0.25 * 2 + 0.6 * 0.75 + 0.8 * 0.75 + 0.6 * 0.75) / (0.75 * 3 + 0.25 * 2)
    recall = (1 * 0.25 * 2 + 0.6 * 0.75 + 0.8 * 0.75 + 0.6 * (0.75 * 2 + 0.25)) / (0.75 * 4 + 0.25 * 4)
    f_mean = 1 / (0.15 / precision + 0.85 / recall)
    expected = f_mean * (1 - 0.6 * (1 / 6) ** 0.2)
    statistics = meteor.statistics("a cats above the plant", ["a cat on top of the tree ."])
    assert score(statistics) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("caption", ["a dog", "the", "A dog, on the grass.", "dog", "."])
def test_equal_captions_score_one(meteor: Meteor, caption: str) -> None:
    assert score(meteor.statistics(caption, [caption])) == pytest.approx(1, abs=1e-15)
    assert score(meteor.statistics(caption.upper(), [caption])) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("hypothesis", "reference"), [("", ""), ("", "a dog"), ("a dog", ""), ("dog", "cat"), ("...", "!")]
)
def test_captions_with_nothing_in_common_score_nothing(meteor: Meteor, hypothesis: str, reference: str) -> None:
    statistics = meteor.statistics(hypothesis, [reference])
    assert statistics[4:] == (0,) * 19
    assert score(statistics) == 0
    assert corpus_score([statistics]) == 0


def test_words_out_of_order_score_less_than_one(meteor: Meteor) -> None:
    """All words matched, in 2 chunks of 3 words: 1 - 0.6 (2 / 3) ^ 0.2."""
    assert score(meteor.statistics("runs the dog", ["the dog runs"])) == pytest.approx(1 - 0.6 * (2 / 3) ** 0.2)


def test_the_best_reference_counts_and_of_equals_the_first(meteor: Meteor) -> None:
    best = meteor.statistics("a dog runs", ["a cat", "a dog runs here", "a bird runs", "here a dog runs"])
    assert best == meteor.statistics("a dog runs", ["a dog runs here"])
    assert meteor.statistics("a dog", ["cat", "cat bird"])[1] == 1


def test_the_corpus_score_is_the_score_of_added_counts(meteor: Meteor) -> None:
    captions = ["runs the dog", "a bird on a tree", "dog"]
    references = [["the dog runs"], ["a bird", "the tree"], ["cat"]]
    items = [meteor.statistics(*pair) for pair in zip(captions, references, strict=True)]
    added = tuple(map(sum, zip(*items, strict=True)))
    assert corpus_score(items) == score(added)
    assert not math.isclose(score(added), sum(map(score, items)) / 3, abs_tol=0.01)
    assert meteor(captions, references) == (score(added), [score(item) for item in items])


def test_an_image_in_one_piece_adds_no_chunk(meteor: Meteor) -> None:
    """By hand: 6 words of 6 matched, 2 chunks of "runs the dog", none of the caption that is right."""
    items = [meteor.statistics("runs the dog", ["the dog runs"]), meteor.statistics("a red cat", ["a red cat"])]
    assert corpus_score(items) == pytest.approx(1 - 0.6 * (2 / 6) ** 0.2, abs=1e-15)
    assert corpus_score(items[1:]) == 1
