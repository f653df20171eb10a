"""CIDEr-D worked by hand, with words weighed elsewhere, and the degenerate cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from saccade.metrics.captions.cider import CiderD, ngram_weights

REFERENCES = [
    [caption.split() for caption in captions]
    for captions in (
        ["a cat sits on the mat", "there is a cat on the mat"],
        ["two dogs run in the grass", "dogs running on grass"],
        ["a man rides a wave", "a surfer on a big wave in the sea"],
    )
]
HYPOTHESES = [caption.split() for caption in ("a cat is on the mat", "two dogs run on grass", "a man on a wave")]


def test_values_worked_by_hand():
    # "a" stands in the references of both images and weighs nothing; "cat" weighs log 2, as does every bigram.
    # To "a cat": cosines 1 and 1; to "the cat": cat against (the, cat) of equal weight; no 3-grams and 4-grams
    scores = CiderD([[["a", "cat"], ["the", "cat"]], [["a", "dog"]]]).scores([["a", "cat"], ["a", "cat"]])
    assert scores == pytest.approx([10 * ((1 + 1) / 4 + 1 / math.sqrt(2) / 4) / 2, 0.0], abs=1e-15)


def test_counts_are_clipped_and_lengths_weigh():
    # of the 3 cats one is right: min(3, 1) * 1 / (3 * 1), and 2 bigrams more than the reference's none
    scores = CiderD([[["cat"]], [["dog"]]]).scores([["cat", "cat", "cat"], ["dog"]])
    assert scores == pytest.approx([10 * (1 / 3) / 4 * math.exp(-(2**2) / (2 * 6**2)), 10 / 4], abs=1e-15)


def test_identical_captions_score_ten():
    captions = [[f"{word}{i}" for word in "abcde"] for i in range(3)]
    assert CiderD([[caption] for caption in captions]).scores(captions) == pytest.approx([10.0] * 3)


def test_one_image_scores_nothing():
    assert CiderD(REFERENCES[:1]).scores([REFERENCES[0][0]]).tolist() == [0.0]


def test_what_all_images_share_weighs_nothing():
    shared = ["a", "photo", "of", "a"]
    assert CiderD([[[*shared, "cat"]], [[*shared, "dog"]]]).scores([shared, shared]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("caption", ["", "zebra", "zebra zebra zebra zebra zebra"])
def test_nothing_in_common_scores_nothing(caption):
    assert CiderD(REFERENCES).scores([caption.split()] * 3).tolist() == [0.0] * 3


def test_an_empty_reference_adds_nothing_but_counts():
    words = [["a", "b"]], [["c", "d"]]
    with_empty = CiderD([[*words[0], []], words[1]]).scores([["a", "b"], ["c", "d"]])
    assert with_empty == pytest.approx(CiderD(words).scores([["a", "b"], ["c", "d"]]) * [0.5, 1.0])


def test_numbers_of_a_vocabulary_do_as_well_as_words():
    number = {word: i for i, word in enumerate(sorted({w for r in REFERENCES for c in r for w in c} | {"is"}))}

    def numbered(captions):
        return [tuple(number[word] for word in caption) for caption in captions]

    scores = CiderD([numbered(captions) for captions in REFERENCES]).scores(numbered(HYPOTHESES))
    assert scores.tolist() == CiderD(REFERENCES).scores(HYPOTHESES).tolist()


def test_words_weighed_elsewhere():
    # a batch of one image, its words weighed in all three: what it scores among the three
    weights = ngram_weights(REFERENCES)
    whole = CiderD(REFERENCES).scores(HYPOTHESES)
    for i in range(3):
        assert CiderD(REFERENCES[i : i + 1], weights=weights).scores(HYPOTHESES[i : i + 1]).tolist() == [whole[i]]
    assert weights.unseen == math.log(3)
    assert weights.seen["two", "dogs"] == pytest.approx(math.log(3))
    assert weights.seen["a",] == pytest.approx(math.log(3 / 2))
    assert weights.seen["the",] == 0.0


def test_several_captions_of_one_image():
    cider = CiderD(REFERENCES)
    whole = cider.scores(HYPOTHESES)
    assert cider.scores([HYPOTHESES[2], HYPOTHESES[0], HYPOTHESES[2]], images=[2, 0, 2]).tolist() == [
        whole[2],
        whole[0],
        whole[2],
    ]
    assert cider.scores([], images=[]).shape == (0,)


def test_an_end_token_costs_a_caption_that_breaks_off():
    # the reason to reward captions with their end token: "a cat on the" then lacks more of "a cat on the mat <end>"
    references = [[["a", "cat", "on", "the", "mat"]], [["a", "dog"]]]
    whole, cut = references[0][0], references[0][0][:-1]

    def lead(*end):
        cider = CiderD([[[*caption, *end] for caption in captions] for captions in references])
        scores = cider.scores([[*whole, *end], cut], images=[0, 0])
        return scores[0] - scores[1]

    assert lead("<end>") > lead() + 1 > 1


def test_order_of_images_and_of_references_does_not_matter():
    order = [2, 0, 1]
    mixed = CiderD([REFERENCES[i][::-1] for i in order]).scores([HYPOTHESES[i] for i in order])
    np.testing.assert_allclose(mixed, CiderD(REFERENCES).scores(HYPOTHESES)[order], rtol=1e-14)


def test_misuse_is_a_bug():
    with pytest.raises(AssertionError):
        CiderD([[]])
    with pytest.raises(ValueError, match="longer than argument 1"):
        CiderD(REFERENCES).scores(HYPOTHESES[:2])
