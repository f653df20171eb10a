"""How surely the network saw text at each place of an image, as bytes that the page paints itself; see labelmaps.py."""

from __future__ import annotations

import gzip
import io

import numpy as np
import polars as pl
from PIL import Image

from saccade.browse.labelmaps import HEAD
from saccade.runs import Evaluation

COLUMN = "score_png"
LONGEST = 1280  # pixels a side that are sent at most
LARGEST = 16_000_000  # pixels of a map that is opened


def score_map(evaluation: Evaluation, row: int) -> bytes:
    """The map of scores of image ``row``, compressed with gzip; it stretches over the whole image.

    Inside are w and h (unsigned, 16 bits each, low byte first), and h x w bytes row by row: 255 times the score.

    Raises:
        OSError: there is none, or it is no PNG.
    """
    scan = pl.scan_parquet(evaluation.predictions_file)
    schema = scan.collect_schema()
    if schema.get(COLUMN) != pl.Binary:
        raise OSError("the evaluation holds no maps of scores")
    found = scan.select(COLUMN).slice(row, 1).collect().item()
    if found is None:
        raise OSError("the evaluation holds no map of scores of this image")
    grey = _opened(found)
    grey.thumbnail((LONGEST, LONGEST))
    pixels = np.asarray(grey)
    body = HEAD.pack(pixels.shape[1], pixels.shape[0]) + pixels.tobytes()
    return gzip.compress(body, compresslevel=1, mtime=0)


def _opened(png: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.width * image.height > LARGEST:
                raise ValueError("too large")
            return image.convert("L")
    except Exception as error:  # a damaged file makes Pillow raise almost anything
        raise OSError("the map of scores is not readable") from error
