"""Locality-aware NMS: ours beside the C++ of lanms-neo and a loop with Shapely, on boxes as text gives them.

    python bench/lanms.py [--images 20] [--most 1000000] [--seed 0]

Words lie in a scene as in ICDAR 2015, each seen by the points of its shrunk quad with 2 % of noise, at 1280 x 720 and
2240 x 1260; then come ever larger sheets of text, up to --most boxes. Both IoU thresholds are 0.2. lanms-neo (pip
install lanms-neo) takes float32 and multiplies by 10,000 itself, as it must for its whole numbers; it and Shapely are
left out above 15,000 boxes, where their NMS is quadratic. Scores of lanms-neo are sums, so that only quads compare.

Prints processor milliseconds an image, each the best of several runs, and the ratios to ours; how far the quads agree;
and, by the clock and in processes of their own, what the import and the first call cost without and with kept code.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import shapely  # type: ignore[import-untyped]

from saccade.decode.lanms import lanms
from saccade.overlap import iou_matrix
from saccade.quads import Floats, Numbers, encode, restore, shrink

Boxes: TypeAlias = tuple[Floats, Floats]  # quads (N, 4, 2) in raster order of who sees them, scores (N,)

IOU = 0.2
SCENES = (("1280 x 720", 1.0), ("2240 x 1260", 1.75))
OTHERS_MOST = 15_000
START = """
import time; import numpy as np; a = time.perf_counter()
from saccade.decode.lanms import lanms; b = time.perf_counter()
lanms(np.eye(4)[None, :, :2], np.ones(1)); c = time.perf_counter()
print(b - a, c - b)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20, help="scenes of each size")
    parser.add_argument("--most", type=int, default=1_000_000, help="boxes of the largest sheet")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    if find_spec("lanms") is None:
        print("lanms-neo is not installed: pip install lanms-neo")
    lanms(np.eye(4)[None, :, :2], np.ones(1))  # compiles, where that has not been done
    row("", "boxes", "words", "ours, ms", "ns a box", "C++, ms", "C++ / ours", "Shapely, ms", "Shapely / ours")
    for name, scale in SCENES:
        report(name, [seen(scene(rng, scale), rng) for _ in range(given.images)])
    boxes = 1000
    while boxes <= given.most:
        report("sheet", [seen(sheet(rng, boxes // 45), rng)])
        boxes *= 10
    first_calls()


def scene(rng: np.random.Generator, scale: float) -> Floats:
    """(W, 4, 2) some words of unlike sizes, no two at one place."""
    columns, rows = 3, 4
    n = int(rng.integers(2, columns * rows + 1))
    cells = rng.permutation(columns * rows)[:n]
    centres = (np.stack([cells % columns, cells // columns], axis=1) + 0.5) * [1280 / columns, 720 / rows]
    height = rng.lognormal(np.log(26), 0.5, n).clip(12, 80)
    return scale * placed(rng, centres, np.minimum(height * rng.lognormal(np.log(2.8), 0.4, n), 400), height)


def sheet(rng: np.random.Generator, words: int) -> Floats:
    """(W, 4, 2) words in lines, as many in a line as there are lines."""
    lines = int(words**0.5) + 1
    centres = np.stack([np.arange(words) % lines * 160, np.arange(words) // lines * 60], axis=1) + 80.0
    return placed(rng, centres, rng.uniform(50, 120, words), rng.uniform(16, 36, words))


def placed(rng: np.random.Generator, centres: Numbers, width: Numbers, height: Numbers) -> Floats:
    """(W, 4, 2) rectangles a little tilted."""
    angle = rng.normal(0, 0.15, len(centres))
    half = np.stack([width / 2, height / 2, height / 2, width / 2, angle], axis=1)[:, [1, 2, 0, 3, 4]]
    return restore(centres, half)


def seen(words: Floats, rng: np.random.Generator) -> Boxes:
    """What the points of the shrunk words see, with noise."""
    points, rboxes = [], []
    for word in words:
        inner = shrink(word)
        (x0, y0), (x1, y1) = np.ceil(inner.min(axis=0) / 4), np.floor(inner.max(axis=0) / 4)
        grid = np.stack(np.meshgrid(np.arange(x0, x1 + 1), np.arange(y0, y1 + 1)), axis=-1).reshape(-1, 2) * 4
        here = grid[(encode(inner, grid)[:, :4] >= 0).all(axis=1)]
        points.append(here)
        rboxes.append(encode(word, here) * rng.normal(1, 0.02, (len(here), 5)))
    where, rbox = np.concatenate(points), np.concatenate(rboxes)
    order = np.lexsort((where[:, 0], where[:, 1]))
    return restore(where[order], rbox[order]), rng.uniform(0.8, 1, len(where))


def cpp(boxes: Floats) -> Floats:
    """(K, 4, 2) by lanms-neo, from (N, 9) float32 of corners and score."""
    found: Any = import_module("lanms").merge_quadrangle_n9(boxes, IOU)
    return np.asarray(found, np.float64).reshape(-1, 9)[:, :8].reshape(-1, 4, 2)


def by_shapely(quads: Floats, scores: Floats) -> Floats:
    """(K, 4, 2) by the plain procedure, with polygons made once for each box."""
    merged: list[list[Any]] = []  # of each the quad, its polygon, and the sum of scores
    for quad, score in zip(quads, scores, strict=True):
        polygon = shapely.Polygon(quad)
        if merged and overlap(merged[-1][1], polygon) > IOU:
            last = merged[-1]
            last[0] = (last[2] * last[0] + score * quad) / (last[2] + score)
            last[1:] = shapely.Polygon(last[0]), last[2] + score
        else:
            merged.append([quad, polygon, score])
    kept: list[list[Any]] = []
    for one in sorted(merged, key=lambda one: -one[2]):
        if all(overlap(one[1], other[1]) <= IOU for other in kept):
            kept.append(one)
    return np.array([quad for quad, _, _ in kept])


def overlap(a: Any, b: Any) -> float:
    """Intersection over union of two polygons."""
    shared = a.intersection(b).area
    return float(shared / (a.area + b.area - shared))


def report(name: str, images: Sequence[Boxes]) -> None:
    """Measure all on the same images, and print a row."""
    boxes, repeats = sum(len(scores) for _, scores in images), 20 if len(images) > 1 else 5
    found = [lanms(*image)[0] for image in images]
    ours = sum(milliseconds(repeats, lanms, *image) for image in images)
    cells = [f"{boxes / len(images):.0f}", f"{sum(map(len, found)) / len(images):.1f}", f"{ours / len(images):.3f}"]
    cells.append(f"{ours / boxes * 1e6:.0f}")
    if boxes / len(images) > OTHERS_MOST:
        row(name, *cells, *["-"] * 4)
        return
    ready = [np.concatenate([quads.reshape(-1, 8), scores[:, None]], axis=1) for quads, scores in images]
    single = [image.astype(np.float32) for image in ready]
    lines = []
    for what, usable, work, given in (
        ("C++", find_spec("lanms") is not None, cpp, [(image,) for image in single]),
        ("Shapely", True, by_shapely, images),
    ):
        if not usable:
            cells += ["-", "-"]
            continue
        theirs = sum(milliseconds(3, work, *one) for one in given)
        cells += [f"{theirs / len(images):.2f}", f"{theirs / ours:.1f}"]
        lines.append(agreement(what, found, [work(*one) for one in given]))
    row(name, *cells)
    for line in lines:
        print(line)


def agreement(what: str, ours: Sequence[Floats], theirs: Sequence[Floats]) -> str:
    """In how many images as many quads were found, and the least overlap of any of theirs with the nearest of ours."""
    same = sum(len(a) == len(b) for a, b in zip(ours, theirs, strict=True))
    least = min(float(iou_matrix(b, a).max(axis=1).min()) for a, b in zip(ours, theirs, strict=True))
    return f"      {what} finds as many words in {same} of {len(ours)} images; least IoU of a word {least:.6f}"


def milliseconds(repeats: int, work: Callable[..., Any], *given: Any) -> float:
    """Of processor time, the best of several runs: other programs disturb that less than the clock."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work(*given)
        taken.append(1e3 * (time.process_time() - start))
    return min(taken)


def first_calls() -> None:
    """Print what a process pays before its first result, NumPy apart."""
    with tempfile.TemporaryDirectory() as folder:
        for what, runs in (("compiling", 1), ("kept code", 5)):
            told = [start({"NUMBA_CACHE_DIR": folder}) for _ in range(runs)]
            loading, call = min(told, key=sum)
            print(f"{what}: import {loading:.2f} s, first call {call:.2f} s")


def start(environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the import and of the first call, in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", START], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    loading, call = done.stdout.split()
    return float(loading), float(call)


def row(*cells: str) -> None:
    """Print one row of the table."""
    widths = (12, 9, 9, 10, 10, 10, 12, 13, 16)
    print("".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
