"""The images of one evaluation in the order and selection that the page asks for, ready for JSON.

N images, C classes. Undefined numbers are None.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.browse.base import PAGE, BaseGallery, Choice, Rows, Show, UnknownError, number
from saccade.browse.overview import confusion, summary
from saccade.browse.predictions import Flags, Labels, Predictions
from saccade.browse.ranking import FALSE_ALARM, HIT, IGNORED, MISS, OUTCOMES, Ranking, cut, outcomes, rank
from saccade.browse.thumbnails import Allowed

NAMED = 3  # mistakes that a tile names


@dataclass(frozen=True, eq=False)
class _Selection:
    order: Rows  # (N,)
    shown: dict[Show, Flags]  # each (N,)
    outcome: Labels | None = None  # (N,) codes of OUTCOMES; None for all classes together
    ranking: Ranking | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Gallery(BaseGallery):
    """The images of one evaluation of ``classify`` or ``multilabel``."""

    def __init__(self, predictions: Predictions, allowed: Allowed) -> None:
        super().__init__(predictions.images, allowed)
        self.predictions = predictions
        self._number = {name: index for index, name in enumerate(predictions.classes)}
        self._ranking = lru_cache(maxsize=32)(self._rank)

    def page(self, choice: Choice) -> dict[str, Any]:
        """One page of tiles, how many images each filter keeps, and for a class the numbers at the threshold.

        A page beyond the last is the last.

        Raises:
            UnknownError: a class that the evaluation does not know.
        """
        self._check_order(choice)
        selection = self._of_all(choice) if choice.name is None else self._of_class(choice.name, choice)
        return selection.facts | self._paged(
            choice, selection.order, selection.shown, lambda row: self._tile(row, choice, selection)
        )

    def image(self, row: int, threshold: float | None = None) -> dict[str, Any]:
        """One image with all its scores, highest first, as a multilabel decision at ``threshold`` takes them.

        Raises:
            UnknownError: there is no such row.
        """
        p = self.predictions
        self.path(row)
        scores, labels, decided = self._of_image(row, p.threshold if threshold is None else threshold)
        codes = outcomes(labels, decided)
        ranked = np.argsort(-scores, kind="stable")
        return self._basics(row) | {
            "labelled": None if p.answers is None else p.classes[int(p.targets[row])],
            "answer": None if p.answers is None else p.classes[int(p.answers[row])],
            "classes": [
                {"name": p.classes[k], "score": number(scores[k]), "outcome": OUTCOMES[codes[k]]} for k in ranked
            ],
        }

    def summary(self) -> dict[str, Any]:
        """What the page needs once for the evaluation."""
        return summary(self.predictions)

    def confusion(self) -> dict[str, Any]:
        """Classify: how often each class is taken for each."""
        return confusion(self.predictions)

    def _index(self, name: str) -> int:
        if name not in self._number:
            raise UnknownError(f"there is no class {name}")
        return self._number[name]

    def _of_class(self, name: str, choice: Choice) -> _Selection:
        p, index = self.predictions, self._index(name)
        threshold = p.slider(index) if choice.threshold is None else choice.threshold
        ranking = self._ranking(index)
        codes = outcomes(p.labels(index), p.decided(index, threshold))
        everything = np.ones(len(codes), np.bool_)
        if choice.labelled is not None and p.answers is not None:
            everything = (p.targets == self._index(choice.labelled)) & (p.answers == index)
        orders = {"best": ranking.order, "worst": ranking.order[::-1]}
        return _Selection(
            order=orders.get(choice.order or "best", self._by_loss[choice.order == "loss"]),
            shown={
                "all": everything,
                "hits": codes == HIT,
                "misses": codes == MISS,
                "false_alarms": codes == FALSE_ALARM,
                "ignored": codes == IGNORED,
            },
            outcome=codes,
            ranking=ranking,
            facts={
                "threshold": threshold,
                "numbers": asdict(cut(ranking, threshold)),
                "histogram": ranking.histogram.tolist(),
                "cut_page": int((p.scores[index] > np.float32(threshold)).sum()) // PAGE + 1,
            },
        )

    def _of_all(self, choice: Choice) -> _Selection:
        p = self.predictions
        missed, alarmed = p.missed > 0, p.false_alarms > 0
        return _Selection(
            order=self._by_loss[choice.order not in ("least_loss", "best")],
            shown={
                "all": np.ones(len(missed), np.bool_),
                "hits": ~missed & ~alarmed,
                "misses": missed,
                "false_alarms": alarmed,
                "ignored": np.zeros(len(missed), np.bool_),
            },
        )

    def _tile(self, row: int, choice: Choice, selection: _Selection) -> dict[str, Any]:
        p, tile = self.predictions, self._basics(row)
        if p.answers is not None:
            labelled, answer = int(p.targets[row]), int(p.answers[row])
            tile |= {"labelled": p.classes[labelled], "answer": p.classes[answer]}
            tile |= {
                "score": number(p.scores[answer, row]),
                "outcome": "hit" if labelled == answer else "miss",
            }
        elif choice.name is None:
            tile |= self._mistakes(row)
        if choice.name is not None and selection.outcome is not None and selection.ranking is not None:
            tile["score"] = number(p.scores[self._number[choice.name], row])
            tile["outcome"] = OUTCOMES[selection.outcome[row]]
            tile["position"] = int(selection.ranking.position[row]) or None
        return tile

    def _basics(self, row: int) -> dict[str, Any]:
        return self._found(row) | {"loss": number(self.predictions.losses[row])}

    def _mistakes(self, row: int) -> dict[str, Any]:
        """How many classes are mistaken in an image, and the names of the few that are furthest off."""
        p = self.predictions
        scores, labels, decided = self._of_image(row, p.threshold)
        codes, ranked = outcomes(labels, decided), np.argsort(-scores, kind="stable")
        alarms, misses = ranked[codes[ranked] == FALSE_ALARM], ranked[::-1][codes[ranked[::-1]] == MISS]
        return {
            "missed": int(p.missed[row]),
            "false_alarms": int(p.false_alarms[row]),
            "missed_names": [p.classes[k] for k in misses[:NAMED]],
            "false_alarm_names": [p.classes[k] for k in alarms[:NAMED]],
        }

    def _of_image(self, row: int, threshold: float) -> tuple[NDArray[np.float32], Labels, Flags]:
        """Scores, labels and decisions of one image, each (C,)."""
        p, every = self.predictions, np.arange(len(self.predictions.classes))
        scores = np.ascontiguousarray(p.scores[:, row])
        if p.answers is not None:
            return scores, (every == p.targets[row]).astype(np.int8), every == p.answers[row]
        return scores, p.targets[:, row].astype(np.int8), scores > np.float32(threshold)

    def _rank(self, index: int) -> Ranking:
        p = self.predictions
        return rank(p.scores[index], p.labels(index), p.decided(index))

    @cached_property
    def _by_loss(self) -> tuple[Rows, Rows]:
        """Rows from the least loss up, and from the greatest down; images without a loss last in both."""
        losses = self.predictions.losses
        return np.argsort(losses, kind="stable"), np.argsort(-losses, kind="stable")
