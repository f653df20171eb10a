"""ICDAR 2015's protocols against a plain second telling of their rules, on shapely's polygons; IoU against shapely's.

The oracle goes by what the scripts (version 1.1) do, one rule after the other, and shares nothing with the program:
polygons are shapely's, words are cut with regular expressions, and loops run over lists.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

import numpy as np
import pytest
import shapely

from saccade.metrics.spotting.overlaps import overlaps
from saccade.metrics.spotting.protocol import PROTOCOLS, Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores

SPECIAL = "[" + re.escape("!?.:,*\"()·[]/'") + "]"
WORD = re.compile("(?=[^×÷·]*$)[a-zA-Z\u00c0-\u01bf\u01c4-\u027f\u0386-\u03ff-]{3,}")
VOCABULARY = (
    "Hotel",
    "SALE!",
    "(Exit)",
    "Joe's",
    "24/7",
    "x-ray-",
    "at",
    "New York",
    "Çay",
    "a×b",
    '"Bar"',
    "-way",
    "№1",
)


# --- the oracle


@dataclass
class Found:
    """What the oracle counts in one image."""

    correct: int
    truths: int
    detections: int
    ranking: list[tuple[float, bool]]  # of the detections that are cared for


def surface(quad):
    """A polygon filled by the even-odd rule."""
    return shapely.make_valid(shapely.Polygon(quad))


def shoelace(quad):
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(quad, quad[1:] + quad[:1], strict=True))) / 2


def shared(a, b):
    return surface(a).intersection(surface(b)).area


def iou(a, b):
    common = shared(a, b)
    union = shoelace(a) + shoelace(b) - common
    return common / union if abs(union) > 1e-7 else 0.0


def inside(detection, word):
    area = shoelace(detection)
    return shared(detection, word) / area if area else 0.0


def cleaned(text):
    return re.sub(SPECIAL, " ", re.sub("'[sS]$", "", text).strip("-")).strip()


def same(protocol, truth, found):
    if protocol == "detection":
        return True
    if protocol == "word_spotting":
        return cleaned(truth).upper() == found.upper()
    shorter = {truth, re.sub(f"^{SPECIAL}", "", truth), re.sub(f"{SPECIAL}$", "", truth)}
    shorter.add(re.sub(f"{SPECIAL}$", "", re.sub(f"^{SPECIAL}", "", truth)))
    return found.upper() in {text.upper() for text in shorter}


def oracle(protocol, words, found):
    """Counts of one image; ``words``: (quad, text), ``found``: (quad, text, confidence or None)."""
    if all(confidence is not None for *_, confidence in found):
        found = sorted(found, key=lambda each: -each[2])
    dont_care = [
        text == "###" or (protocol == "word_spotting" and not WORD.fullmatch(cleaned(text))) for _, text in words
    ]
    dropped = [
        any(no and inside(quad, word) > 0.5 for no, (word, _) in zip(dont_care, words, strict=True))
        for quad, *_ in found
    ]
    used, right = set(), set()
    for i, (word, truth) in enumerate(words):
        for j, (quad, text, _) in enumerate(found):
            if not dont_care[i] and not dropped[j] and j not in used and iou(word, quad) > 0.5:
                used.add(j)
                if same(protocol, truth, text):
                    right.add(j)
                break
    ranking = [(each[2], j in right) for j, each in enumerate(found) if not dropped[j]]
    return Found(len(right), dont_care.count(False), dropped.count(False), ranking)


def oracle_ap(ranking, truths):
    ranked = [right for _, right in sorted(ranking, key=lambda each: -each[0])]
    return sum(sum(ranked[: n + 1]) / (n + 1) for n, right in enumerate(ranked) if right) / truths


# --- images


def some_quad(rng):
    """A turned rectangle on a page of 400 x 300 pixels, corners in whole pixels."""
    centre, size, angle = rng.uniform((40, 40), (360, 260)), rng.uniform((15, 8), (90, 40)), rng.normal(0, 0.4)
    along, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    corners = [centre + (i * along * size[0] + j * down * size[1]) / 2 for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return np.array(corners).round()


def some_image(rng):
    """Words, some of which nobody can read, and what a poor reader found: noisy, doubled, out of order, misread."""
    words, found = [], []
    for _ in range(rng.integers(0, 9)):
        quad, text = some_quad(rng), str(rng.choice(VOCABULARY))
        words.append((quad, "###" if rng.random() < 0.3 else text))
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            near = (quad + rng.normal(0, rng.choice([1, 4, 9]), (4, 2))).round()
            read = "".join(
                letter if rng.random() < 0.95 else str(rng.choice(list(string.printable[:62]))) for letter in text
            )
            found.append((near, rng.choice([read, read.upper(), read.strip("!()'s\""), read[1:-1]])))
    found += [(some_quad(rng), "x") for _ in range(rng.integers(0, 3))]
    if rng.random() < 0.1:
        found.append((np.tile(some_quad(rng)[:1], (4, 1)), "point"))
    order = rng.permutation(len(found))
    return words, [(*found[i], float(np.round(rng.random(), 6))) for i in order]


def images(seed, n=200):
    rng = np.random.default_rng(seed)
    return [some_image(rng) for _ in range(n)]


def lists(words, found, confident):
    """As the oracle takes them: quads as lists of points, which shapely and sums take alike."""
    plain = [([tuple(point) for point in quad.tolist()], text) for quad, text in words]
    return plain, [
        ([tuple(point) for point in quad.tolist()], str(text), confidence if confident else None)
        for quad, text, confidence in found
    ]


def ours(words, found, confident):
    texts = tuple(text for _, text in words)
    cared = np.array([text != "###" for text in texts], dtype=np.bool_)
    return (
        Truth(np.array([quad for quad, _ in words]).reshape(-1, 4, 2), texts, cared),
        Detections(
            np.array([quad for quad, *_ in found]).reshape(-1, 4, 2),
            tuple(str(text) for _, text, _ in found),
            np.array([confidence for *_, confidence in found]) if confident else None,
        ),
    )


@pytest.mark.parametrize("confident", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_counts_of_200_images_equal_the_oracles(seed, confident):
    made = images(seed)
    truths, detections = zip(*(ours(*image, confident) for image in made), strict=True)
    scores = spotting_scores(truths, detections)
    for protocol in PROTOCOLS:
        each = [oracle(protocol, *lists(*image, confident)) for image in made]
        alone = [spotting_scores([t], [d]).counts[protocol] for t, d in zip(truths, detections, strict=True)]
        assert [(c.correct, c.truths, c.detections) for c in alone] == [
            (e.correct, e.truths, e.detections) for e in each
        ]
        correct, words, found = (sum(getattr(e, name) for e in each) for name in ("correct", "truths", "detections"))
        assert min(correct, words - correct, found - correct) > 30, "the images test nothing"
        expected = {"precision": correct / found, "recall": correct / words, "hmean": 2 * correct / (words + found)}
        if confident:
            ranking = [entry for e in each for entry in e.ranking]
            expected["average_precision"] = oracle_ap(ranking, words)
        assert scores.metrics[protocol] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("spread", [3, 30, 300])
def test_overlaps_equal_shapelys(spread):
    rng = np.random.default_rng(spread)
    first, second = (rng.integers(0, spread, (60, 4, 2)).astype(np.float64) for _ in range(2))
    found = overlaps(first, second)
    quads = [[[tuple(point) for point in quad] for quad in each.tolist()] for each in (first, second)]
    assert sum(not shapely.Polygon(quad).is_valid for quad in quads[0]) >= 10, "no quad crosses itself"
    for i, a in enumerate(quads[0]):
        for j, b in enumerate(quads[1]):
            assert found.iou[i, j] == pytest.approx(iou(a, b), abs=1e-9)
            assert found.inside[i, j] == pytest.approx(inside(b, a), abs=1e-9)
