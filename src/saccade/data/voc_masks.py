"""Pascal VOC's layout for segmentation: ``JPEGImages``, ``SegmentationClass``, ``ImageSets/Segmentation``."""

from __future__ import annotations

from pathlib import Path

from saccade.data.listing import Listing
from saccade.data.mask_layout import MaskLayout, listing_of
from saccade.data.parallel import Progress
from saccade.data.voc import image_names, listed, need_layout

MASKS, SETS = "SegmentationClass", "ImageSets/Segmentation"
VOC_CLASSES = (
    "background",
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person"),
    *("pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""The names of VOC's ids 0 to 20."""


def read(root: Path, split: str, layout: MaskLayout, *, progress: Progress | None = None) -> Listing:
    """List the images of ``split`` in the order of its set file, each with its mask ``SegmentationClass/<id>.png``.

    The classes are those of ``layout``, else of ``classes.txt``, else VOC's 21. An image that is listed but not on
    disk is listed all the same, with the suffix jpg.

    Raises:
        DataError: the layout or the split is not there, or a mask does not hold.
    """
    need_layout(root, SETS, MASKS)
    ids = listed(root / SETS, split, there=splits(root))
    masks = [f"{MASKS}/{image_id}{layout.mask_suffix}.png" for image_id in ids]
    return listing_of(root, image_names(root, ids), masks, layout, default=VOC_CLASSES, progress=progress)


def splits(root: Path) -> list[str]:
    """Names of the splits that have a set file, sorted; empty where there is no such folder."""
    folder = root / SETS
    return sorted(path.stem for path in folder.glob("*.txt")) if folder.is_dir() else []
