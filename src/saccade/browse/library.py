"""The evaluations of a run, each read when it is first asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from saccade.browse.base import BaseGallery, UnknownError
from saccade.browse.caption_gallery import CaptionGallery
from saccade.browse.captions import load_captions
from saccade.browse.gallery import Gallery
from saccade.browse.predictions import load
from saccade.browse.segment_gallery import SegmentGallery
from saccade.browse.segments import load_segment
from saccade.browse.spot_gallery import SpotGallery
from saccade.browse.spots import load_spots
from saccade.browse.thumbnails import Allowed
from saccade.errors import RunError
from saccade.runs import Evaluation, Run

KEPT = 2  # evaluations in memory: with 50,000 images and 1,000 classes one takes 250 MB


class Library:
    """The evaluations of one run; at most ``KEPT`` are held in memory.

    ``data_root`` replaces the data root of the evaluation shown first, and of all others that had it too.

    Raises:
        RunError: the run has no evaluation, or none of that name, or its files cannot be used.
    """

    def __init__(self, run: Run, *, evaluation: str | None = None, data_root: Path | None = None) -> None:
        self.run = run
        self.names = [e.name for e in run.evaluations()]
        if not self.names:
            raise RunError(
                f"{run.path}: nothing to browse, no split has been scored; run `saccade evaluate {run.path}`"
            )
        if evaluation is not None and evaluation not in self.names:
            raise RunError(
                f"{run.path}: no evaluation {evaluation!r}; there is {', '.join(self.names)}; "
                f"make it with `saccade evaluate {run.path} --split {evaluation}`"
            )
        self.first = evaluation or ("val" if "val" in self.names else self.names[0])
        self._data_root = data_root
        self._lock = threading.Lock()
        self._open: OrderedDict[str, BaseGallery] = OrderedDict()
        self.gallery(self.first)

    def gallery(self, name: str) -> BaseGallery:
        """The evaluation of that name.

        Raises:
            UnknownError: there is none.
            RunError: its files cannot be used.
        """
        if name not in self.names:
            raise UnknownError(f"there is no evaluation {name}")
        with self._lock:  # two requests at once must not read it twice
            if name not in self._open:
                while len(self._open) >= KEPT:
                    self._open.popitem(last=False)
                self._open[name] = self._read(self.run.evaluation(name))
            self._open.move_to_end(name)
            return self._open[name]

    def _read(self, evaluation: Evaluation) -> BaseGallery:
        told = evaluation.about().get("data_root")
        root = Path(told) if told else None
        if self._data_root is not None and (
            root is None or str(root) == self.run.evaluation(self.first).about().get("data_root")
        ):
            root = self._data_root
        allowed = Allowed(root, self.run.path)
        match evaluation.about().get("task"):
            case "segment":
                return SegmentGallery(load_segment(evaluation), allowed)
            case "caption":
                return CaptionGallery(load_captions(evaluation), allowed)
            case "spot":
                # brings numba, which takes half a second that runs of other tasks need not wait for
                from saccade.browse.spot_matching import match

                predictions = load_spots(evaluation)
                return SpotGallery(predictions, match(predictions), allowed)
            case _:
                return Gallery(load(evaluation), allowed)
