"""Images of the page with outlines of their words, and some of the words cut out beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from saccade.data.images import read_rgb
from saccade.report.shown import Place
from saccade.report.spot_crops import cut_out
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_matches import ALARM, MISREAD, MISSED, RIGHT, UNCARED, Points, Word, heights
from saccade.report.spot_scores import scores_over
from saccade.report.spot_words import facts, image_numbers, rest_words, word_line
from saccade.report.thumbnails import Files, jpeg_address
from saccade.report.words import number

SIDE = 640
"""Longest side of a picture in pixels."""
UNITS = 600
"""Longest side of a picture in units of its outlines, however large it is."""
MOST_WORDS = 6
"""So many words of an image are cut out at most."""
SMALL = 18
"""Units: where half of the words are lower, lines are fine."""
_SHOWN = (MISREAD, MISSED, ALARM, RIGHT)
_DRAWN = (UNCARED, RIGHT, MISREAD, MISSED, ALARM)  # the last lie on top


@dataclass(frozen=True)
class Outline:
    """A word or detection over the picture."""

    verdict: str
    points: str  # of an SVG polygon
    words: str  # what is to be said of it
    number: int | None  # of the words that are cut out
    at: tuple[float, float]  # of the number


@dataclass(frozen=True)
class CutOut:
    """A word beside the picture."""

    number: int
    verdict: str
    address: str | None  # of the picture's data; None where it has no surface, or the image is missing
    text: str  # read, or else written; empty where neither is
    words: str


@dataclass(frozen=True)
class SpotExample:
    """One image with its words."""

    image: str
    position: int  # in the ranking, from 1
    hmean: str
    facts: str
    numbers: str  # by the other protocols
    address: str | None  # of the picture's data; None where it is missing
    scores: str | None  # of the picture under its score map; None where one of them is missing
    size: tuple[float, float]  # width and height in units of the outlines
    outlines: Sequence[Outline]
    fine: bool  # so many small words that thick lines would hide them
    words: Sequence[CutOut]
    rest: str  # how many words are not cut out


class SpotPictures:
    """Makes examples, and counts the images that it could not read."""

    def __init__(self, scored: Spotted, data_root: Path) -> None:
        self.files = Files(data_root)
        self._scored = scored
        self._hmeans = scored.hmeans("end_to_end" if scored.reads else "detection")

    def examples(self, places: Sequence[Place]) -> list[SpotExample]:
        """One for each of the places."""
        return [self._example(place) for place in places]

    def _example(self, place: Place) -> SpotExample:
        scored, image, reads = self._scored, self._scored.seen[place.row], self._scored.reads
        name = scored.images[place.row]
        picture = self.files.read(name, read_rgb)
        small = None if picture is None else _small(picture)
        words = image.words()
        chosen = most_telling(words)
        size = (UNITS, UNITS) if picture is None else _in_units(picture.size)
        scale = 1.0 if picture is None else size[0] / picture.width
        return SpotExample(
            image=name,
            position=place.position,
            hmean=number(float(self._hmeans[place.row])),
            facts=facts(image, reads=reads),
            numbers=image_numbers(scored, place.row),
            address=None if small is None else jpeg_address(small, quality=82),
            scores=None if small is None else self._scores(small, place.row),
            size=size,
            outlines=[] if picture is None else _outlines(words, chosen, scale, reads=reads),
            fine=bool(words) and float(np.median([heights(word.quad) for word in words])) * scale < SMALL,
            words=[_cut_out(word, k, picture, reads=reads) for k, word in enumerate(chosen, start=1)],
            rest=rest_words(words, chosen, reads=reads),
        )

    def _scores(self, picture: Image.Image, row: int) -> str | None:
        """Of the picture under the score map of the image, if it was kept."""
        kept = self._scored.rows.get_column("score_png", default=None)
        over = None if kept is None else scores_over(picture, kept[row])
        return None if over is None else jpeg_address(over, quality=75)


def most_telling(words: Sequence[Word]) -> list[Word]:
    """Up to ``MOST_WORDS`` of the words, taken in turn from each verdict; what is not cared for is left out.

    The first of each are the surest, and of missed words the largest.
    """
    left = {verdict: [word for word in words if word.verdict == verdict] for verdict in _SHOWN}
    for of_verdict in left.values():
        of_verdict.sort(key=lambda word: -(word.score or 0.0))
    left[MISSED].sort(key=lambda word: -float(np.ptp(word.quad, axis=0).prod()))
    taken = dict.fromkeys(_SHOWN, 0)
    while sum(taken.values()) < MOST_WORDS and any(taken[v] < len(left[v]) for v in _SHOWN):
        for verdict in _SHOWN:
            if taken[verdict] < len(left[verdict]) and sum(taken.values()) < MOST_WORDS:
                taken[verdict] += 1
    return [word for verdict in _SHOWN for word in left[verdict][: taken[verdict]]]


def _outlines(words: Sequence[Word], chosen: Sequence[Word], scale: float, *, reads: bool) -> list[Outline]:
    numbers = {id(word): k for k, word in enumerate(chosen, start=1)}
    return [
        Outline(
            word.verdict,
            " ".join(f"{x:.1f},{y:.1f}" for x, y in (word.quad * scale).tolist()),
            "" if word.verdict == UNCARED else ": ".join(filter(None, word_line(word, reads=reads))),
            numbers.get(id(word)),
            _corner(word.quad * scale),
        )
        for word in sorted(words, key=lambda word: _DRAWN.index(word.verdict))
    ]


def _corner(quad: Points) -> tuple[float, float]:
    """Where the number of a word stands: above its first corner, within the picture."""
    x, y = quad[0].tolist()
    return max(2.0, min(round(x, 1), UNITS - 20.0)), max(17.0, round(y - 4, 1))


def _cut_out(word: Word, k: int, picture: Image.Image | None, *, reads: bool) -> CutOut:
    cut = None if picture is None else cut_out(picture, word.quad)
    text, words = word_line(word, reads=reads)
    return CutOut(k, word.verdict, None if cut is None else jpeg_address(cut, quality=85), text, words)


def _in_units(size: tuple[int, int]) -> tuple[float, float]:
    scale = UNITS / max(size)
    return round(size[0] * scale, 1), round(size[1] * scale, 1)


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return small
