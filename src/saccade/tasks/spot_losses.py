"""What is learned from images and their words: where words are, how their boxes lie, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from saccade.config.task_sections import SpotTask
from saccade.data.spot_targets import CARE, GEOMETRY, SCORE
from saccade.losses import spot as losses
from saccade.nn.spot_network import Spotted
from saccade.quads import min_area_rectangle, sides
from saccade.samples import ImageLoss, SeenWords
from saccade.tasks.finder import Finder


class SpotLosses:
    """The losses of a network that spots text, with their weights, as the settings of the task say."""

    def __init__(self, section: SpotTask, finder: Finder) -> None:
        self.section, self.finder, self.alphabet = section, finder, finder.alphabet

    def __call__(
        self,
        seen: Spotted,
        target: Tensor,
        words: Sequence[SeenWords],
        generator: torch.Generator,
        *,
        trained: float | None = None,
    ) -> list[losses.Weighted]:
        """Each loss of B images, with its weight.

        Args:
            seen: what the network says of them.
            target: (B, 7, h, w), as ``spot_targets`` makes it.
            words: of each image.
            generator: by which examples are drawn.
            trained: to learn from them, the share of the training that is over.
        """
        parts = self.finding(seen.score_logits, seen.rbox, target, generator)
        if self.alphabet is not None:
            parts.append((self.section.reading, self.reading(seen, words, trained=trained)))
        return parts

    def finding(self, score: Tensor, rbox: Tensor, target: Tensor, generator: torch.Generator) -> list[losses.Weighted]:
        """Where words are: (B, 1, h, w) score logits, and (B, 5, h, w) boxes of those places that have text."""
        section, wanted, care = self.section, target[:, SCORE, None], target[:, CARE, None]
        mined = section.score_loss == "ohem"
        if mined:
            found = losses.hard_cross_entropy(score, wanted, care, generator=generator)
        else:
            found = (losses.dice if section.score_loss == "dice" else losses.balanced_cross_entropy)(
                score, wanted, care
            )
        boxes = losses.geometry(
            rbox,
            target[:, GEOMETRY],
            (wanted > 0) & (care > 0),
            generator=generator,
            hardest=128 if mined else None,
            angle_weight=section.angle,
        )
        return [(1.0, found), (section.geometry, boxes)]

    def reading(self, seen: Spotted, words: Sequence[SeenWords], *, trained: float | None = None) -> ImageLoss:
        """What they say, of the words that are cared for, are large enough and have known characters only."""
        known = self.alphabet
        assert known is not None
        learned = [[k for k in self._to_be_read(of) if of.texts[k] and not known.lacks(of.texts[k])] for of in words]
        quads = [
            self.finder.to_learn(of.quads[chosen], trained=trained) for of, chosen in zip(words, learned, strict=True)
        ]
        said = [known.encode(of.texts[k]) for of, chosen in zip(words, learned, strict=True) for k in chosen]
        log_probs, widths = seen.read(quads, max_width=self.finder.max_width)
        return losses.ctc(
            log_probs,
            widths,
            torch.tensor([number for numbers in said for number in numbers], dtype=torch.int64),
            torch.tensor([len(numbers) for numbers in said], dtype=torch.int64),
            torch.tensor([len(chosen) for chosen in learned], dtype=torch.int64),
        )

    def _to_be_read(self, words: SeenWords) -> list[int]:
        """The words that are cared for and no smaller than those that are learned to be found."""
        shortest = sides(min_area_rectangle(words.quads.numpy())).min(axis=1)
        return np.flatnonzero(words.cared.numpy() & (shortest >= self.section.min_side)).tolist()
