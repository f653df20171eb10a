"""All numbers of captions together: golden values made with coco-caption, and the degenerate cases."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from saccade.metrics.captions.scores import CAPTION_POOLING, caption_scores

REFERENCES = [
    ["a cat sits on the mat", "there is a cat on the mat"],
    ["two dogs run in the grass", "dogs running on grass"],
    ["a man rides a wave", "a surfer on a big wave in the sea"],
]
HYPOTHESES = ["a cat is on the mat", "two dogs run on grass", "a man on a wave"]


def test_golden_values_of_coco_caption():
    scores = caption_scores(HYPOTHESES, REFERENCES)
    assert scores.n == 3
    assert scores.metrics == {
        "bleu1": pytest.approx(1.0, abs=1e-6),
        "bleu2": pytest.approx(0.832050, abs=1e-6),
        "bleu3": pytest.approx(0.517340, abs=1e-6),
        "bleu4": pytest.approx(6.668955e-05, rel=1e-6),
        "rouge_l": pytest.approx(0.801016, abs=1e-6),
        "cider": pytest.approx(3.166534, abs=1e-6),
    }
    assert scores.per_image["rouge_l"] == pytest.approx([0.833333, 0.769716, 0.8], abs=1e-6)
    assert scores.per_image["cider"] == pytest.approx([3.938237, 3.241903, 2.319461], abs=1e-6)


def test_captions_are_tokenised():
    written = [f'"{caption.capitalize()}."' for caption in HYPOTHESES]
    references = [[f"{caption.upper()} !" for caption in captions] for captions in REFERENCES]
    assert caption_scores(written, references) == caption_scores(HYPOTHESES, REFERENCES)


def test_values_of_all_images_are_not_means_of_images_but_for_rouge_and_cider():
    scores = caption_scores(HYPOTHESES, REFERENCES)
    for name in ("rouge_l", "cider"):
        assert scores.metrics[name] == pytest.approx(sum(scores.per_image[name]) / 3, abs=1e-15)
    assert scores.metrics["bleu4"] > 1.05 * sum(scores.per_image["bleu4"]) / 3


def test_meteor_is_handed_tokenised_captions():
    seen = []

    def meteor(captions, references):
        seen.append((captions, references))
        return 0.25, [0.5, 0.125]

    scores = caption_scores(["A dog's ball.", "Two"], [["The dog!"], ["One", "2, 3"]], meteor=meteor)
    assert seen == [(["a dog 's ball", "two"], [["the dog"], ["one", "2 3"]])]
    assert scores.metrics["meteor"] == 0.25
    assert scores.per_image["meteor"] == [0.5, 0.125]
    without = caption_scores(["A dog's ball.", "Two"], [["The dog!"], ["One", "2, 3"]])
    assert "meteor" not in without.metrics.keys() | without.per_image.keys()
    assert {name: scores.metrics[name] for name in without.metrics} == without.metrics
    assert set(scores.metrics) == set(CAPTION_POOLING)


DEGENERATE = {
    "one image": (["a cat"], [["a cat"]], {"bleu2": 1, "rouge_l": 1, "cider": 0}),
    "empty caption": (["", "a b c d"], [["a"], ["a b c d"]], {"rouge_l": 0.5, "cider": 5}),
    "all empty": (["", "."], [["a"], ["b"]], {"bleu1": 0, "bleu4": 0, "rouge_l": 0, "cider": 0}),
    # to ROUGE-L, as coco-caption takes it, nothing is equal to nothing
    "empty reference": (["", "a"], [["..."], ["b"]], {"bleu1": 0, "rouge_l": 0.5, "cider": 0}),
    "identical": (
        ["a b c d e", "f g h i"],
        [["a b c d e"], ["f g h i"]],
        {"bleu1": 1, "bleu4": 1, "rouge_l": 1, "cider": 10},
    ),
    "nothing right": (["a b", "c d"], [["x"], ["y"]], {"bleu1": 0, "bleu4": 0, "rouge_l": 0, "cider": 0}),
    "unicode": (
        ["Ein Café über São", "日本 の 犬 ñ"],
        [["ein café ÜBER são"], ["日本 の 犬 Ñ"]],
        {"bleu4": 1, "cider": 10},
    ),
}


@pytest.mark.parametrize(("hypotheses", "references", "expected"), DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_captions(hypotheses, references, expected):
    scores = caption_scores(hypotheses, references)
    assert {name: scores.metrics[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert {len(values) for values in scores.per_image.values()} == {scores.n} == {len(hypotheses)}
    for numbers in (scores.metrics, scores.per_image):
        assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers


def test_a_fraction_with_a_space_is_two_words_but_one_to_rouge():
    # as in coco-caption, where the blank within is no space: of 2 and of 3 words
    scores = caption_scores(["1 1/2 dogs"], [["dogs"]])
    assert scores.metrics["bleu1"] == pytest.approx(1 / 3)
    assert scores.metrics["rouge_l"] == pytest.approx(2.44 * 0.5 / (1 + 1.44 * 0.5))


@pytest.mark.parametrize(("hypotheses", "references"), [([], []), (["a"], []), (["a"], [["a"], ["b"]]), (["a"], [[]])])
def test_misuse_is_a_bug(hypotheses, references):
    with pytest.raises((AssertionError, ValueError)):
        caption_scores(hypotheses, references)


def test_numpy_alone_is_needed_and_no_java():
    code = (
        "import sys, saccade.metrics.captions.scores as s; s.caption_scores(['a'], [['a']]);"
        "print(sorted({'torch', 'torchmetrics', 'sklearn', 'polars', 'pycocoevalcap'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": ""})
    assert done.stdout == "[]\n"
