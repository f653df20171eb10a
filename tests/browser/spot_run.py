"""A made-up run of `spot`, whose numbers can be counted by hand.

`SPOTS`: six images of 160 x 120 pixels. A word lies where a box (left, top, right, bottom) says, or is a quad.

0. Both words are right: of "Sale!" the mark may be missing, and case does not count.
1. OPEN is right, EXIT is read as EX1T.
2. PARKING is missed, 4F a false alarm: their boxes have an IoU of 40 / (100 + 100 - 40) = 0.25.
3. A hostile text, misread as another; and a word that is not cared for with a detection in it.
4. Nothing is there, and nothing was found.
5. A word that is turned by 45 degrees is right, and EXIT is also read where nothing is.

So of 7 words that are cared for 6 are found and 4 read right, and 8 detections are cared for. The hostile text is no
word of a dictionary, so that for word spotting there are 6 and 7.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from PIL import Image, ImageDraw

from saccade.runs import Run

Place: TypeAlias = tuple[float, ...]  # left, top, right, bottom, or eight numbers
SIZE = (160, 120)
HOSTILE_TRUTH = "<b>x</b>"
HOSTILE_READ = "<img src=x onerror=\"document.title='owned'\">"
TURNED: Place = (100, 20, 140, 60, 130, 70, 90, 30)

Word: TypeAlias = tuple[Place, str, bool]  # where, text, whether it is cared for
Found: TypeAlias = tuple[Place, str, float]  # where, what was read, score
SPOTS: list[tuple[list[Word], list[Found]]] = [
    (
        [((10, 10, 60, 30), "EXIT", True), ((10, 50, 80, 70), "Sale!", True)],
        [((10, 10, 60, 30), "exit", 0.9), ((10, 50, 80, 72), "SALE", 0.8)],
    ),
    (
        [((10, 10, 60, 30), "EXIT", True), ((80, 80, 150, 110), "OPEN", True)],
        [((80, 80, 150, 110), "OPEN", 0.95), ((10, 10, 60, 26), "EX1T", 0.85)],
    ),
    ([((10, 10, 20, 20), "PARKING", True)], [((16, 10, 26, 20), "4F", 0.75)]),
    (
        [((10, 10, 90, 40), HOSTILE_TRUTH, True), ((10, 60, 150, 110), "###", False)],
        [((10, 10, 90, 40), HOSTILE_READ, 0.7), ((20, 70, 60, 90), "blur", 0.65)],
    ),
    ([], []),
    ([(TURNED, "exit", True)], [(TURNED, "exit", 0.6), ((10, 90, 50, 110), "EXIT", 0.55)]),
]
NUMBERS: dict[str, list[float | None]] = {
    "loss": [0.5, 1.5, 2.5, 2.0, 0.25, None],
    "detection_hmean": [1.0, 1.0, 0.0, 1.0, 1.0, 2 / 3],
    "end_to_end_hmean": [1.0, 0.5, 0.0, 0.0, 1.0, 2 / 3],
    "word_spotting_hmean": [1.0, 0.5, 0.0, 1.0, 1.0, 2 / 3],
}
METRICS: dict[str, float] = {
    "loss": 1.35,
    **{"detection_precision": 0.75, "detection_recall": 6 / 7, "detection_hmean": 0.8},
    **{"end_to_end_precision": 0.5, "end_to_end_recall": 4 / 7, "end_to_end_hmean": 8 / 15},
    **{"word_spotting_precision": 4 / 7, "word_spotting_recall": 2 / 3, "word_spotting_hmean": 8 / 13},
    "cer": 0.5,
    "word_accuracy": 0.25,
}
POOLING = {"detection_precision": "correct over found", "cer": "edits over letters"}
DECODING = {"threshold": 0.8, "merge_iou": 0.2, "nms_iou": 0.2, "min_score": 0.5, "max_places": 1000, "lexicon": None}


def quad_of(place: Place) -> list[float]:
    """Eight numbers from the top left on, clockwise."""
    if len(place) == 8:
        return list(place)
    left, top, right, bottom = place
    return [left, top, right, top, right, bottom, left, bottom]


def score_png(size: tuple[int, int] = (40, 30)) -> bytes:
    """A map whose left half is 0 and whose right half is 1."""
    grey = np.zeros(size[::-1], np.uint8)
    grey[:, size[0] // 2 :] = 255
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "png")
    return file.getvalue()


def spots_table(**columns: Any) -> pl.DataFrame:
    """The predictions; a column given replaces one, or leaves it out where it is None."""
    quads, texts = pl.List(pl.List(pl.Float32)), pl.List(pl.String)
    words, found = [words for words, _ in SPOTS], [found for _, found in SPOTS]
    made = {
        "image": [f"{k}.jpg" for k in range(len(SPOTS))],
        "target_quads_xy": pl.Series([[quad_of(place) for place, _, _ in of] for of in words], dtype=quads),
        "target_texts": pl.Series([[text for _, text, _ in of] for of in words], dtype=texts),
        "target_cared": pl.Series([[cared for _, _, cared in of] for of in words], dtype=pl.List(pl.Boolean)),
        "quads_xy": pl.Series([[quad_of(place) for place, _, _ in of] for of in found], dtype=quads),
        "texts": pl.Series([[text for _, text, _ in of] for of in found], dtype=texts),
        "scores": pl.Series([[score for _, _, score in of] for of in found], dtype=pl.List(pl.Float32)),
        "score_png": pl.Series([score_png()] * len(SPOTS), dtype=pl.Binary),
        **{name: pl.Series(values, dtype=pl.Float32) for name, values in NUMBERS.items()},
    }
    return pl.DataFrame({name: column for name, column in (made | columns).items() if column is not None})


def write_spots(run: Run, root: Path, *, about: dict[str, Any] | None = None, **columns: Any) -> Run:
    """Write ``SPOTS`` as the evaluation ``val``; ``about`` and ``columns`` change what it has. Returns the run."""
    table = spots_table(**columns)
    told = {"task": "spot", "data_root": str(root), "pooling": POOLING, "reads": True, "decoding": DECODING}
    told |= about or {}
    numbers = METRICS if told["reads"] else {name: METRICS[name] for name in list(METRICS)[:4]}
    metrics = {"split": "val", "n": len(table), "classes": [], "metrics": numbers, "per_class": {}}
    run.evaluation("val").write(metrics, table, told)
    return run


def unread() -> dict[str, Any]:
    """What differs where words are found and not read: pass it on to ``write_spots``."""
    texts = pl.Series([["" for _ in found] for _, found in SPOTS], dtype=pl.List(pl.String))
    return {"about": {"reads": False}, "texts": texts, "end_to_end_hmean": None, "word_spotting_hmean": None}


def write_signs(folder: Path) -> Path:
    """The images, each word a filled polygon; returns their folder."""
    folder.mkdir(parents=True)
    for k, (words, _) in enumerate(SPOTS):
        image = Image.new("RGB", SIZE, (200, 205, 210))
        pen = ImageDraw.Draw(image)
        for place, _, _ in words:
            corners = np.reshape(quad_of(place), (4, 2))
            pen.polygon([(x, y) for x, y in corners.tolist()], fill=(40, 60, 90))
        image.save(folder / f"{k}.jpg", "JPEG")
    return folder
