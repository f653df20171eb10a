"""Which words are true of an image: a second loss, from which an encoder learns what there is to see.

The next word of a caption teaches an encoder slowly, as most of a caption is how people talk. Here the encoder says at
once which words the captions of an image hold (after Fang et al. 2015, arXiv 1411.4952, and Wu et al. 2016, arXiv
1506.01144). Words that stand in most captions say little of an image and weigh little.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saccade.data.captions import Captions
from saccade.data.vocabulary import SPECIAL, Vocabulary
from saccade.losses import caption as losses
from saccade.nn.caption_network import Seen
from saccade.tasks.sentences import words_of


class Concepts:
    """Binary cross-entropy of the V words, each weighed by log(N / images whose captions hold it), of mean 1."""

    def __init__(self, captions: Captions, vocabulary: Vocabulary) -> None:
        """``captions``: of the N images of the training split."""
        self.vocabulary = vocabulary
        images = torch.zeros(len(vocabulary))
        for i in range(len(captions)):
            images += self._present([captions.of(i)])[0]
        weights = torch.where(images > 0, (len(captions) / images.clamp_min(1)).log(), 0.0)
        total = weights.sum()
        self._weights = weights * len(vocabulary) / total if total else torch.ones(len(vocabulary))

    def loss(self, seen: Seen, references: Sequence[Sequence[str]]) -> Tensor:
        """(B,) of images with their captions, mean over the words."""
        logits = seen.words()
        present = self._present(references).to(logits.device)
        return losses.concepts(logits, present, weights=self._weights.to(logits.device))

    def _present(self, references: Sequence[Sequence[str]]) -> Tensor:
        """(B, V) bool: the words that the captions of each image hold."""
        present = torch.zeros(len(references), len(self.vocabulary), dtype=torch.bool)
        for row, captions in zip(present, references, strict=True):
            row[[number for text in captions for number in self.vocabulary.encode(words_of(text))]] = True
        present[:, : len(SPECIAL)] = False
        return present
