"""From what a network that spots text says to words in pixels of the file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from saccade.config.task_sections import SpotTask
from saccade.console import say
from saccade.data.alphabet import Alphabet
from saccade.decode import ctc
from saccade.decode.words import decode
from saccade.nn.roi_rotate import turned, widened
from saccade.nn.spot_network import Spotted
from saccade.quads import area, min_area_rectangle
from saccade.samples import SpotPrediction
from saccade.tasks import scene_text


class Finder:
    """Finds words in maps and reads them, as the settings of the task say."""

    def __init__(self, section: SpotTask, alphabet: Alphabet | None, *, max_width: int) -> None:
        """``alphabet``: of the reader; None: words are not read. ``max_width``: columns of the widest word."""
        self.section, self.alphabet, self.max_width = section, alphabet, max_width
        self._said: set[str] = set()

    def __call__(self, seen: Spotted, scale: tuple[float, float]) -> SpotPrediction:
        """The words of one image. Corners are whole pixels of the file, as in ICDAR's files of results.

        ``scale``: pixels of the input for one of the file, in x and y.
        """
        section = self.section
        score = seen.score_logits[0, 0].sigmoid().float().cpu()
        found = decode(
            score.numpy(),
            seen.rbox[0].float().cpu().numpy(),
            threshold=section.threshold,
            merge_iou=section.merge_iou,
            nms_iou=section.nms_iou,
            max_places=section.max_places,
            max_words=section.max_words,
            min_score=section.min_score,
        )
        if found.more_places:
            self._say_once(
                f"more than task.max_places={section.max_places} places of an image score over "
                f"task.threshold={section.threshold:g}: the surest are taken"
            )
        if found.more_words:
            self._say_once(
                f"more than task.max_words={section.max_words} words are found in an image: those that most places are "
                "sure of are taken"
            )
        corners = np.round(found.quads / np.array(scale))
        kept = np.flatnonzero(area(corners) > 0)
        quads = torch.from_numpy(found.quads[kept])
        return SpotPrediction(
            (torch.from_numpy(corners[kept].astype(np.float32)),),
            (torch.from_numpy(found.scores[kept].astype(np.float32)),),
            (self.read(seen, quads),),
            (score,),
        )

    def _say_once(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            say(what)

    def read(self, seen: Spotted, quads: Tensor) -> tuple[str, ...]:
        """What stands in each of (K, 4, 2) quads of one image, in pixels of the input."""
        if self.alphabet is None or not len(quads):
            return ("",) * len(quads)
        log_probs, widths = seen.read([self.to_read(quads)], max_width=self.max_width)
        if self._lexicon is None:
            return tuple(self.alphabet.decode(numbers) for numbers in ctc.greedy(log_probs, widths))
        words, tree = self._lexicon
        best, log_probability = ctc.best_in_lexicon(log_probs, widths, tree)
        # in fewer columns than the shortest word has letters, none can stand
        return tuple(
            words[k] if fits else "" for k, fits in zip(best.tolist(), log_probability.isfinite().tolist(), strict=True)
        )

    def to_read(self, quads: Tensor) -> Tensor:
        """(K, 4, 2) what is found, with the margin at both ends."""
        if not self.section.margin:
            return quads
        outward = self.section.margin * quads.new_tensor([1, 1, 0, 0]).expand(len(quads), 4)
        # the ends of a word that is laid on its side are those that were above and below
        return widened(turned(quads), outward)

    def to_learn(self, quads: Tensor, *, trained: float | None = None) -> Tensor:
        """(K, 4, 2) true quads as they are found: as rectangles with the margin at both ends.

        ``trained``: to learn from them, when this share of the training is over. What is found is not exact: then the
        ends have none to twice as much margin, and top and bottom are moved out or in by up to a third of it, at
        random, and less so in the first half of the training.
        """
        rectangles = torch.from_numpy(min_area_rectangle(quads.numpy())).to(quads)
        if trained is None or not self.section.margin:
            return self.to_read(rectangles)
        ends, sides = 2 * torch.rand(len(quads), 2), (2 * torch.rand(len(quads), 2) - 1) / 3
        share = self.section.margin * min(1.0, 2 * trained)
        return widened(turned(rectangles), share * torch.cat([ends, sides], dim=1).to(quads))

    @cached_property
    def _lexicon(self) -> tuple[list[str], ctc.WordTree] | None:
        path = self.section.lexicon
        return None if path is None or self.alphabet is None else scene_text.lexicon_of(path, self.alphabet)


def together(found: Sequence[SpotPrediction]) -> SpotPrediction:
    """Predictions of single images as those of a batch."""
    return SpotPrediction(
        tuple(quads for one in found for quads in one.quads),
        tuple(scores for one in found for scores in one.scores),
        tuple(texts for one in found for texts in one.texts),
        tuple(score for one in found for score in one.maps),
    )
