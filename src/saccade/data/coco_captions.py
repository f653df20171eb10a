"""COCO's captions (2014, 2017, and whatever took over their JSON): training data, references, and results.

``captions_<split>.json`` holds ``images`` (``id``, ``file_name``) and ``annotations`` (``image_id``, ``caption``). A
file of results is a list of ``image_id`` and ``caption``, one for each image.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from saccade.data.caption_layout import listing_of
from saccade.data.captions import Captions
from saccade.data.json_records import as_object, load, load_object, records
from saccade.data.listing import Listing
from saccade.data.wording import named, refuse
from saccade.errors import DataError

ImageId: TypeAlias = int | str
"""What results and references name images by; in a data set to learn from it is a whole number."""

FOLDERS = ("captions", "annotations", ".")
"""Where below the root the JSON files may lie; the first that has a split wins."""
_PREFIX = "captions_"
_HALF = re.compile("[\ud800-\udfff]")
"""Half of what UTF-16 writes in two: JSON may hold it, and no other text can."""


def read(root: Path, split: str, *, images: str | None = None) -> Listing:
    """List the images of ``split`` with their captions, in the order of ``captions_<split>.json``.

    ``images``: the folder of the images, relative to ``root``; None looks for it: a folder of the split's name,
    ``JPEGImages``, ``images`` and the like. Captions are kept as they stand but for blanks at their ends.

    Raises:
        DataError: no such split, or a file that does not hold: not JSON, a field missing or of another type, an image
            twice or without a caption, a caption that is empty or of an unknown image. It names file and place.
    """
    path = _file(root, split)
    document = load_object(path, {"images": (list,), "annotations": (list,)})
    pictures = records(path, "images", document["images"], {"id": (int,), "file_name": (str,)})
    if not pictures:
        raise DataError(f"{path}: 'images' is empty; it lists the images of the split")
    by_image = _by_image(path, document["annotations"], (int,), images=[picture["id"] for picture in pictures])
    captions = Captions.gathered(list(by_image), list(by_image.values()))
    return listing_of(path, root, [p["file_name"] for p in pictures], captions, split=split, images=images)


def splits(root: Path) -> list[str]:
    """Names of the splits that have a file, sorted; empty where there is none."""
    return sorted(_files(root))


def read_references(path: Path) -> dict[ImageId, tuple[str, ...]]:
    """All captions of each image, of a file such as ``read`` takes; the list ``images`` may be missing.

    Raises:
        DataError: as ``read``.
    """
    document = load(path)
    if isinstance(document, dict) and "annotations" not in document:
        raise DataError(
            f"{path}: has no list 'annotations', but {named(sorted(map(str, document)))}; captions are read in COCO's "
            'layout: {"images": [...], "annotations": [{"id": 1, "image_id": 42, "caption": "a dog runs"}, ...]}'
        )
    document = as_object(path, document, {"annotations": (list,), "images": (list, type(None))})
    ids = None
    if document.get("images") is not None:
        ids = [picture["id"] for picture in records(path, "images", document["images"], {"id": (int, str)})]
    by_image = _by_image(path, document["annotations"], (int, str), images=ids)
    return {image_id: tuple(captions) for image_id, captions in by_image.items()}


def read_results(path: Path) -> dict[ImageId, str]:
    """The caption that a model gave each image, of a COCO results file; it may be empty.

    Raises:
        DataError: not JSON, not a list of ``image_id`` and ``caption``, an empty list, or an image twice.
    """
    if path.is_dir():
        own = sorted(map(str, path.glob("evaluation/*/captions.json")))
        raise DataError(f"{path}: is a folder; {_RESULTS}{f'; those of this run are {named(own)}' if own else ''}")
    try:
        values = load(path)
    except DataError as error:
        raise DataError(f"{error}; {_RESULTS}") from None
    if not isinstance(values, list) or not values:
        raise DataError(f"{path}: {_not_results(values)}; {_RESULTS}")
    found = records(path, "results", values, {"image_id": (int, str), "caption": (str,)})
    _refuse_twice(path, "results", [result["image_id"] for result in found])
    return {result["image_id"]: result["caption"] for result in found}


_RESULTS = 'a file of results is a JSON list of {"image_id": 42, "caption": "a dog runs"}, one for each image'


def _not_results(value: object) -> str:
    """What a file holds instead of results."""
    if value == []:
        return "is an empty list"
    if not isinstance(value, dict):
        return "is no list"
    if "annotations" in value or "images" in value:
        return "holds annotations or images, as references do, which come second"
    return f"is one object, with {named(sorted(map(str, value)))}"


def _files(root: Path) -> dict[str, Path]:
    """The file of each split."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in (root / folder).glob(f"{_PREFIX}*.json"):
            found.setdefault(path.stem.removeprefix(_PREFIX), path)
    return found


def _file(root: Path, split: str) -> Path:
    """The file of one split."""
    there = _files(root)
    if split in there:
        return there[split]
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; set data.root to the folder that holds annotations/ or captions/")
    places = " or ".join(str(Path(folder) / f"{_PREFIX}{split}.json") for folder in FOLDERS)
    if not there:
        raise DataError(f"{root}: no file {places}; set data.root to the folder that holds such files")
    raise DataError(
        f"{root}: no file {places}; it has captions of the splits {named(sorted(there))}, which data.train, data.val "
        "and --split may name"
    )


def _by_image(
    path: Path, annotations: list[Any], id_types: tuple[type, ...], *, images: Sequence[Any] | None
) -> dict[Any, list[str]]:
    """The captions of each image, in the order of ``images``; None takes those that have captions, as they come."""
    found = records(path, "annotations", annotations, {"image_id": id_types, "caption": (str,)})
    if images is not None:
        _refuse_twice(path, "images", images)
    captions: dict[Any, list[str]] = {image_id: [] for image_id in images or ()}
    problems = []
    for i, annotation in enumerate(found):
        image_id, caption = annotation["image_id"], annotation["caption"].strip()
        if images is not None and image_id not in captions:
            problems.append(f"{path}: annotations[{i}] has image_id {image_id!r}, which is the id of none of 'images'")
        elif type(image_id) is int and abs(image_id) >= 2**63:
            problems.append(f"{path}: annotations[{i}] has image_id {image_id}, which is larger than 64 bits hold")
        elif _HALF.search(caption):
            problems.append(f"{path}: annotations[{i}] has half a letter, as of a cut emoji, in its caption")
        elif not caption:
            problems.append(f"{path}: annotations[{i}] has an empty caption, of image {image_id!r}")
        else:
            captions.setdefault(image_id, []).append(caption)
    refuse(problems)
    lacking = [i for i, of_image in enumerate(captions.values()) if not of_image]
    refuse([f"{path}: images[{i}], id {images[i]!r}, has no caption in 'annotations'" for i in lacking if images])
    if not captions:
        raise DataError(f"{path}: 'annotations' is empty; it lists the captions of the images")
    return captions


def _refuse_twice(path: Path, place: str, ids: Sequence[ImageId]) -> None:
    """Refuse an image that stands twice in a list."""
    first: dict[ImageId, int] = {}
    problems = []
    for i, image_id in enumerate(ids):
        if first.setdefault(image_id, i) != i:
            problems.append(f"{path}: {place}[{i}] has image {image_id!r}, as {place}[{first[image_id]}] has already")
    refuse(problems)
