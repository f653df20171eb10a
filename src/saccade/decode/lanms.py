"""Many sightings of the same words to one quad each: locality-aware non-maximum suppression.

EAST, Zhou et al. 2017 (arXiv 1704.03155), section 3.6: pixels next to each other see the same word, so that one pass
in raster order merges most of them, and the quadratic part has few quads left to compare.
"""

from __future__ import annotations

import numpy as np

from saccade.overlap import merge_runs, suppress
from saccade.quads import Floats, Numbers


def lanms(quads: Numbers, scores: Numbers, *, merge_iou: float = 0.2, nms_iou: float = 0.2) -> tuple[Floats, Floats]:
    """One quad for each of the K words that N quads (N, 4, 2) show; ``scores`` (N,) are their probabilities in [0, 1].

    Quads are clockwise and in raster order of the pixels that see them, row by row. Each is merged with the last merged
    one, and with no other, where their IoU is over ``merge_iou``: corners become means weighted by scores, and scores
    are added. So where words stand side by side, a row of pixels begins anew with each of them. Then, from the highest
    sum of scores down, quads go whose IoU with one that is kept is over ``nms_iou``: of the rows of a word the one with
    most pixels is kept.

    Corners are matched by place and not by name: text that runs straight down may be seen as +89 and as -89 degrees by
    neighbours, whose corners are named from opposite ends. The first one's names are kept.

    Gives quads (K, 4, 2) from the highest sum of scores down, and their scores (K,): the mean over what was merged.
    """
    assert quads.shape == (len(scores), 4, 2), (quads.shape, scores.shape)
    assert min(merge_iou, nms_iou) >= 0
    assert np.isfinite(quads).all()
    assert np.isfinite(scores).all()
    merged, sums, counts = merge_runs(quads, scores, merge_iou)
    kept = suppress(merged, np.argsort(-sums, kind="stable"), nms_iou)
    return merged[kept], sums[kept] / counts[kept]
