"""The numbers of the caption task, of captions as they were written; they are coco-caption's.

A caption is tokenised first. BLEU and CIDEr-D part the result at any blank and ROUGE-L at a space alone, as
coco-caption does. That matters for "1 1/2", which is one token with a blank of its own inside, and for an empty
caption, which is one empty word to ROUGE-L.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from saccade.metrics.captions.bleu import NOTHING, bleu, bleu_counts
from saccade.metrics.captions.cider import CiderD
from saccade.metrics.captions.rouge import rouge_l
from saccade.metrics.captions.tokenizer import tokenize

MeteorFunction: TypeAlias = Callable[[Sequence[str], Sequence[Sequence[str]]], tuple[float, Sequence[float]]]
"""Tokenised captions and the tokenised references of each, to METEOR of all and of each; a ``meteor.Meteor`` is one."""

CAPTION_POOLING: dict[str, str] = {
    **{
        f"bleu{n}": f"matches of {f'1 to {n} words' if n > 1 else 'words'} and lengths added up over all images, "
        f"then one BLEU-{n} of the sums"
        for n in range(1, 5)
    },
    "meteor": "the statistics of METEOR 1.5 added up over all images, then one score of the sums",
    "rouge_l": "ROUGE-L of each image against its references, mean over images",
    "cider": "CIDEr-D of each image against its references, word weights from the references of the scored images, "
    "mean over images",
}
"""How each number of the caption task is pooled, in words."""


@dataclass(frozen=True)
class CaptionScores:
    """What captions are worth: fractions of 1, but CIDEr-D, which goes to 10."""

    n: int  # images
    metrics: dict[str, float]  # of all images: "bleu1" ... "bleu4", "meteor" if asked for, "rouge_l", "cider"
    per_image: dict[str, list[float]]  # "bleu4", "meteor" if asked for, "rouge_l", "cider"; each (n,)


def caption_scores(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], *, meteor: MeteorFunction | None = None
) -> CaptionScores:
    """Score one caption of each image against its references, at least one; there is at least one image."""
    assert len(hypotheses) == len(references) > 0
    texts = [tokenize(caption) for caption in hypotheses]
    reference_texts = [[tokenize(caption) for caption in captions] for captions in references]
    words = [text.split() for text in texts]
    reference_words = [[text.split() for text in captions] for captions in reference_texts]

    counts = [bleu_counts(h, r) for h, r in zip(words, reference_words, strict=True)]
    metrics = {f"bleu{n}": float(value) for n, value in enumerate(bleu(sum(counts, NOTHING)), start=1)}
    per_image = {"bleu4": [float(bleu(of_image)[-1]) for of_image in counts]}
    if meteor is not None:
        metrics["meteor"], each = meteor(texts, reference_texts)
        per_image["meteor"] = list(each)
    per_image["rouge_l"] = [
        rouge_l(text.split(" "), [reference.split(" ") for reference in captions])
        for text, captions in zip(texts, reference_texts, strict=True)
    ]
    per_image["cider"] = CiderD(reference_words).scores(words).tolist()
    metrics |= {name: float(np.mean(per_image[name])) for name in ("rouge_l", "cider")}
    return CaptionScores(len(texts), metrics, per_image)
