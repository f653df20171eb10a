"""Karpathy's split of COCO, Flickr8k and Flickr30k: one ``dataset_<name>.json`` with all images and all splits.

``images`` holds ``filename``, ``filepath`` (the folder, for COCO), ``cocoid`` or ``imgid``, ``split`` and ``sentences``
with the ``raw`` text; the ``tokens`` beside it are not read, as all captions are tokenised in one way. Training takes
``train`` and ``restval``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saccade.data.caption_layout import listing_of
from saccade.data.captions import Captions
from saccade.data.json_records import load_object, records
from saccade.data.listing import Listing
from saccade.data.wording import named, refuse
from saccade.errors import DataError

_ALSO_TRAIN = "restval"
_IMAGE = {"filename": (str,), "filepath": (str, type(None)), "split": (str,), "sentences": (list,)}


def read(path: Path, split: str, *, root: Path, images: str | None = None) -> Listing:
    """List the images of ``split`` with their captions, in the order of the file; ``train`` has those of ``restval``.

    ``images``: the folder, relative to ``root``, in which the images lie, or for COCO their folders ``train2014`` and
    ``val2014``; None looks for it.

    Raises:
        DataError: no such split, or a file that does not hold; it names file and place.
    """
    chosen = [(i, image) for i, image in enumerate(_images(path)) if _named(image["split"]) == split]
    if not chosen:
        raise DataError(f"{path}: no image of split {split!r}; it has {named(splits(path))}")
    captions = _sentences(path, chosen)
    names = ["/".join(filter(None, (image.get("filepath"), image["filename"]))) for _, image in chosen]
    listed = Captions.gathered(_ids(path, chosen), captions)
    return listing_of(path, root, names, listed, split=split, images=images)


def splits(path: Path) -> list[str]:
    """Names of the splits, sorted; ``restval`` belongs to ``train``."""
    return sorted({_named(image["split"]) for image in _images(path)})


def _named(split: str) -> str:
    """What a split of the file is called here."""
    return "train" if split == _ALSO_TRAIN else split


def _images(path: Path) -> list[dict[str, Any]]:
    return records(path, "images", load_object(path, {"images": (list,)})["images"], _IMAGE)


def _ids(path: Path, chosen: Sequence[tuple[int, dict[str, Any]]]) -> list[int]:
    """COCO's number of each image, or where there is none the file's own."""
    key = "cocoid" if "cocoid" in chosen[0][1] else "imgid"
    first: dict[object, int] = {}
    problems = []
    for i, image in chosen:
        image_id = image.get(key)
        if type(image_id) is not int:
            problems.append(f"{path}: images[{i}] has {key!r}: {image_id!r}; it takes a whole number")
        elif first.setdefault(image_id, i) != i:
            problems.append(f"{path}: images[{i}] has {key!r}: {image_id}, as images[{first[image_id]}] has already")
    refuse(problems)
    return [image[key] for _, image in chosen]


def _sentences(path: Path, chosen: Sequence[tuple[int, dict[str, Any]]]) -> list[list[str]]:
    """The captions of each image."""
    captions, problems = [], []
    for i, image in chosen:
        place = f"images[{i}].sentences"
        found = records(path, place, image["sentences"], {"raw": (str,)})
        of_image = [sentence["raw"].strip() for sentence in found]
        if not of_image:
            problems.append(f"{path}: {place} is empty; an image has at least one caption")
        problems += [f"{path}: {place}[{k}] has no words in 'raw'" for k, said in enumerate(of_image) if not said]
        captions.append(of_image)
    refuse(problems)
    return captions
