"""A made-up run of `caption`, whose numbers can be counted by hand.

`CAPTIONS`: six images of 16 x 12 pixels. Image 0 says "dog" rightly and is the best, 1 says "cat" where the references
have "dog", 2 says the same as 1 and rightly so, 3 says nothing, 4 has hostile texts, 5 a very long caption and no
attention. Of the references of 0, 1 and 4 "dog" is a word; "hotdog" of 3 is another.

The attention of word k lies on cell k (modulo 6) of a grid of 2 x 3 cells: 0.5 there and 0.1 on each of the others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from saccade.runs import Run

HOSTILE_CAPTION = "<b>cat</b> <script>document.title='owned'</script> &amp; \"naïve\" ٣"
LONG_CAPTION = "a " + "very " * 80 + "long supercalifragilisticexpialidociouslylongwordwithoutanyend caption"
CAPTIONS: list[tuple[str, list[str]]] = [
    ("a dog runs", ["A dog runs.", "the dog is running", "a brown dog, and a ball", "Dog!", "one dog"]),
    ("a cat", ["a dog sleeps", "a brown dog"]),
    ("a cat", ["a cat on a mat", "the cat"]),
    ("", ["a red ball", "a hotdog"]),
    (HOSTILE_CAPTION, ["<img src=x onerror=alert(1)> dog", "line\nbreak"]),
    (LONG_CAPTION, []),
]
NUMBERS = {
    "cider": [3.5, 0.0, 1.25, 0.0, 0.5, None],
    "meteor": [0.75, 0.125, 0.5, 0.0, 0.25, None],
    "bleu4": [0.5, 0.0, 0.25, 0.0, 0.125, None],
    "rouge_l": [1.0, 0.25, 0.75, 0.0, 0.125, None],
    "loss": [0.5, 1.5, 1.0, 2.5, 2.0, None],
}
GRID = {"kind": "grid", "height": 2, "width": 3, "resize": "squash", "resize_crop": 0.875}
BOXES = [[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0], [0.25, 0.25, 0.75, 0.75]]
METRICS = {"loss": 1.5, "bleu1": 0.5, "bleu4": 0.25, "meteor": 0.375, "rouge_l": 0.5, "cider": 1.25}
POOLING = {"cider": "the mean over the images", "bleu4": "n-grams of all captions together"}


def attention_of(caption: str, cells: int = 6) -> list[list[float]]:
    """0.5 on the cell of the word, 0.1 elsewhere."""
    words = caption.split(" ") if caption else []
    return [[0.5 if cell == k % cells else 0.1 for cell in range(cells)] for k in range(len(words))]


def captions_table(**columns: Any) -> pl.DataFrame:
    """The predictions; a column given replaces one, or leaves it out where it is None."""
    attention = [attention_of(caption) for caption, _ in CAPTIONS[:-1]] + [None]
    made = {
        "image": [f"{k}.jpg" for k in range(len(CAPTIONS))],
        "caption": [caption for caption, _ in CAPTIONS],
        "references": pl.Series([references for _, references in CAPTIONS], dtype=pl.List(pl.String)),
        "attention": pl.Series(attention, dtype=pl.List(pl.List(pl.Float32))),
        **{name: pl.Series(values, dtype=pl.Float32) for name, values in NUMBERS.items()},
    }
    return pl.DataFrame({name: column for name, column in (made | columns).items() if column is not None})


def write_captions(run: Run, root: Path, *, about: dict[str, Any] | None = None, **columns: Any) -> None:
    """Write ``CAPTIONS`` as the evaluation ``val``; ``about`` and ``columns`` change what it has."""
    table = captions_table(**columns)
    numbers = {name: value for name, value in METRICS.items() if name != "meteor" or name in table.columns}
    metrics = {"split": "val", "n": len(table), "classes": [], "metrics": numbers, "per_class": {}}
    told = {"task": "caption", "data_root": str(root), "pooling": POOLING, "regions": GRID} | (about or {})
    run.evaluation("val").write(metrics, table, told)
