"""METEOR 1.5's alignment: of all matches that may be made, those that its beam search makes.

The search goes through the reference word by word and keeps the 40 best paths; where paths are equally good, the order
in which they came about decides. Its quirks decide as well, and METEOR's numbers depend on each of them: a match of two
single words that are not equal counts as no matched word, and a path that passes over a match pays for its distance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from saccade.metrics.captions.meteor_match import EXACT, Match

BEAM = 40

_DISTANCE, _CHUNK, _MATCHED = 1, 1 << 32, 1 << 52
"""What a path pays, or for a matched word gains, in one integer: words go before chunks, and those before distance."""

_Trail: TypeAlias = "tuple[_Trail, Match] | None"
"""The matches of a path, from last to first, so that paths share what they have in common."""

_Path: TypeAlias = tuple[int, int, int, int, _Trail]
"""Its cost; the reference word it goes on from; the hypothesis word after its last match, or ``_NOWHERE``; the
hypothesis words it has used, as bits; its matches. A plain tuple, for hundreds are made for each caption."""

_NOWHERE = -1
"""No match ends directly before the reference word that a path goes on from."""


class _Move(NamedTuple):
    """A match and what it means for a path that makes it."""

    match: Match
    gain: int
    distance: int
    used: int
    """The words of the hypothesis, as bits."""


def align(candidates: Sequence[Sequence[Match]], hyp_length: int) -> list[Match]:
    """The matches that are made, in order of the reference.

    ``candidates``: the matches that may be made, by where in the reference they start; ``hyp_length``: words of the
    hypothesis.
    """
    sure = _sure(candidates, hyp_length)
    paths: list[_Path] = [(0, 0, _NOWHERE, 0, None)]
    for place, matches in enumerate(candidates):
        moves = [_move(match) for match in matches]
        if place in sure:
            paths = [_made(path, moves[0], moves[0].distance) for path in paths]
        else:
            paths = [onward for path in paths for onward in _onwards(path, place, moves)]
        paths.sort(key=itemgetter(0))  # stable: of equals, the earlier one stays before the later one
        del paths[BEAM:]
    best = min(paths, key=lambda path: path[0] + (path[2] != _NOWHERE) * _CHUNK)
    return list(_matches(best[-1]))[::-1]


def chunks(matches: Sequence[Match]) -> int:
    """Runs of matches that follow each other directly both in the reference and in the hypothesis.

    >>> chunks([Match(0, 1, 0, 1, EXACT), Match(1, 1, 1, 1, EXACT), Match(3, 1, 2, 1, EXACT)])
    2
    """
    ends = [(match.start + match.length, match.hyp_start + match.hyp_length) for match in matches]
    starts = [(match.start, match.hyp_start) for match in matches]
    return len(matches) - sum(start == end for start, end in zip(starts[1:], ends, strict=False))


def _onwards(path: _Path, place: int, moves: Sequence[_Move]) -> list[_Path]:
    """Where ``path`` may go at reference word ``place``: every move that its words are free for, then past the word."""
    cost, next_place, end, used, trail = path
    if next_place > place:
        return [path]
    onwards = []
    for move in moves:
        if not move.used & used:
            onwards.append(_made((cost, place, end, used, trail), move, 0))
            cost += move.distance  # sic: the jar adds it to the path that goes on without the match
    if end != _NOWHERE:
        cost += _CHUNK
    return [*onwards, (cost, place + 1, _NOWHERE, used, trail)]


def _made(path: _Path, move: _Move, distance: int) -> _Path:
    """``path`` with one more match."""
    cost, place, end, used, trail = path
    match = move.match
    if end not in (_NOWHERE, match.hyp_start):
        cost += _CHUNK
    cost += distance - move.gain
    return cost, place + match.length, match.hyp_start + match.hyp_length, used | move.used, (trail, match)


def _move(match: Match) -> _Move:
    """Half a matched word for each that is not equal, rounded down on either side: none for single words."""
    words = 2 if match.matcher == EXACT else match.length // 2 + match.hyp_length // 2
    return _Move(
        match,
        gain=words * _MATCHED,
        distance=abs(match.start - match.hyp_start) * _DISTANCE,
        used=((1 << match.hyp_length) - 1) << match.hyp_start,
    )


def _sure(candidates: Sequence[Sequence[Match]], hyp_length: int) -> set[int]:
    """Where the only candidate is the only one, too, for every word that it spans; there is nothing to decide there."""
    times, hyp_times = [0] * len(candidates), [0] * hyp_length
    for matches in candidates:
        for match in matches:
            for i in range(match.start, match.start + match.length):
                times[i] += 1
            for j in range(match.hyp_start, match.hyp_start + match.hyp_length):
                hyp_times[j] += 1
    return {
        place
        for place, matches in enumerate(candidates)
        for match in matches
        if max(times[place : place + match.length]) == 1
        and max(hyp_times[match.hyp_start : match.hyp_start + match.hyp_length]) == 1
    }


def _matches(trail: _Trail) -> Iterator[Match]:
    while trail is not None:
        trail, match = trail
        yield match
