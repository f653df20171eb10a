"""Captions' numbers against coco-caption's own Python (the package pycocoevalcap), and words against its jar."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from caption_words import WORDS
from saccade.metrics.captions.bleu import NOTHING, bleu_counts
from saccade.metrics.captions.scores import caption_scores
from saccade.metrics.captions.tokenizer import tokenize

pytest.importorskip("pycocoevalcap", reason="the package that is compared with")

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer import ptbtokenizer

SPLITS = {"train": 3500, "val": 1000}  # captions of flickr1k


def flickr(folder: Path, split: str) -> dict[int, list[str]]:
    """The captions of each image of ``flickr1k``."""
    document = json.loads((folder / "flickr1k" / "captions" / f"captions_{split}.json").read_text(encoding="utf-8"))
    captions: dict[int, list[str]] = {}
    for annotation in document["annotations"]:
        captions.setdefault(annotation["image_id"], []).append(annotation["caption"])
    return captions


def coco_caption(hypotheses: list[str], references: list[list[str]]) -> tuple[dict, dict]:
    """Its numbers of all images and of each; captions are tokenised by ours."""
    res = {i: [tokenize(caption)] for i, caption in enumerate(hypotheses)}
    gts = {i: [tokenize(caption) for caption in captions] for i, captions in enumerate(references)}
    with contextlib.redirect_stdout(io.StringIO()):  # Bleu prints
        bleu, bleu_each = Bleu().compute_score(gts, res)
    rouge, rouge_each = Rouge().compute_score(gts, res)
    cider, cider_each = Cider().compute_score(gts, res)
    whole = {f"bleu{n}": value for n, value in enumerate(bleu, start=1)} | {"rouge_l": rouge, "cider": cider}
    return whole, {"bleu4": bleu_each[3], "rouge_l": list(rouge_each), "cider": list(cider_each)}


def assert_equal(hypotheses: list[str], references: list[list[str]]) -> None:
    whole, each = coco_caption(hypotheses, references)
    scores = caption_scores(hypotheses, references)
    assert scores.n == len(hypotheses)
    assert scores.metrics == pytest.approx(whole, rel=1e-9, abs=1e-12)
    assert scores.per_image.keys() == each.keys()
    for name, values in each.items():
        np.testing.assert_allclose(scores.per_image[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.real
def test_flickr_equals_coco_caption(real_data):
    captions = list(flickr(real_data, "val").values())
    assert_equal([of_image[0] for of_image in captions], [of_image[1:] for of_image in captions])


@pytest.mark.parametrize("seed", range(5))
def test_random_captions_equal_coco_caption(seed):
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(12)]

    def caption(shortest):
        return " ".join(rng.choice(words, rng.integers(shortest, 15), p=np.arange(12, 0, -1) / 78))

    references = [[caption(0) for _ in range(rng.integers(1, 6))] for _ in range(40)]
    assert_equal([caption(0) for _ in range(40)], references)


@pytest.mark.parametrize(
    ("hypotheses", "references"),
    [
        (["a b"], [["a b", "a c"]]),
        ([""], [["a"]]),
        (["", "a"], [["", "."], ["a b c d e f g h"]]),
        (["a 1 1/2 b", "x"], [["a 1 1/2 b", "1 1/2"], ["1/2"]]),
        (["a", "a a a a a a"], [["a a a a"], ["a"]]),
    ],
)
def test_degenerate_captions_equal_coco_caption(hypotheses, references):
    assert_equal(hypotheses, references)


@pytest.mark.real
def test_counts_of_flickr_equal_coco_captions_printed_ones(real_data):
    captions = [[tokenize(caption) for caption in of_image] for of_image in flickr(real_data, "val").values()]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        Bleu().compute_score({i: c[1:] for i, c in enumerate(captions)}, {i: c[:1] for i, c in enumerate(captions)})
    of_images = [bleu_counts(first.split(), [text.split() for text in others]) for first, *others in captions]
    counts = sum(of_images, NOTHING)
    ours = {
        "testlen": counts.length,
        "reflen": counts.reference_length,
        "guess": counts.guessed.tolist(),
        "correct": counts.correct.tolist(),
    }
    assert str(ours) in printed.getvalue()


# The tokeniser.

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="no Java to run Stanford's tokenizer with")


def jar_words(captions: list[str], tmp_path: Path) -> list[str]:
    """What coco-caption makes of ``captions``, joined by spaces.

    Its wrapper is not called: it writes beside the installed package.
    """
    text = tmp_path / "captions.txt"
    text.write_text("\n".join(captions), encoding="utf-8", newline="\n")
    jar = Path(ptbtokenizer.__file__).parent / ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR
    options = ["-preserveLines", "-lowerCase", str(text)]
    java = ["java", "-Dfile.encoding=UTF-8", "-Duser.language=en", "-cp", str(jar)]
    command = [*java, "edu.stanford.nlp.process.PTBTokenizer", *options]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8").split("\n")
    kept = [[word for word in line.rstrip().split(" ") if word not in ptbtokenizer.PUNCTUATIONS] for line in lines]
    return [" ".join(words) for words in kept][: len(captions)]


@pytest.mark.slow
@needs_java
def test_words_of_the_table_equal_the_jars(tmp_path):
    # with a line between that starts as most captions do: a single letter's full stop depends on it
    lines = [line for caption in WORDS for line in (caption, "A dog")]
    assert dict(zip(WORDS, jar_words(lines, tmp_path)[::2], strict=True)) == WORDS


def as_people_write(caption: str) -> str:
    """flickr1k's captions are parted already: put full stops, commas, possessives and contractions back."""
    return re.sub(r" ('s|n't|'ll|'re|'ve|'d|'m)\b", r"\1", re.sub(r" ([.,;:!?])", r"\1", caption))


@pytest.mark.slow
@pytest.mark.real
@needs_java
@pytest.mark.parametrize("written", [str, as_people_write])
@pytest.mark.parametrize(("split", "n"), SPLITS.items())
def test_words_of_flickr_equal_the_jars(real_data, tmp_path, split, n, written):
    captions = [written(caption) for of_image in flickr(real_data, split).values() for caption in of_image]
    assert len(captions) == n
    assert [tokenize(caption) for caption in captions] == jar_words(captions, tmp_path)
