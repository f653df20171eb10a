"""Scenes as ordinary files in the public layouts, written whole or not at all, for the usual readers."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from colorsys import hsv_to_rgb
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeAlias
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.data import scene_captions, scene_text_files, scene_words
from saccade.data.made_up_words import Characters
from saccade.data.mask_layout import CLASSES_FILE
from saccade.data.masks import palette_png
from saccade.data.scene_text_files import WordSettings
from saccade.data.scenes import CLASSES, VERSION, Scene, SceneSplit, draw_scene
from saccade.errors import DataError
from saccade.files import write_json

Layout: TypeAlias = Literal["voc", "folder", "masks", "captions", "words"]
MASK_CLASSES = ("background", *CLASSES)
"""Of the layout ``masks``, in the order of their ids; the other layouts have ``CLASSES``."""
Progress: TypeAlias = Callable[[int, int], None]
"""Called with (scenes drawn so far, scenes in all)."""

RECORD = "scenes.json"
"""The file in the root that says how the scenes were drawn."""


def ensure(
    root: Path,
    *,
    train: int,
    val: int,
    size: int,
    seed: int,
    layout: Layout,
    words: WordSettings | None = None,
    progress: Progress | None = None,
) -> bool:
    """Draw the scenes to ``root`` where there is nothing yet; return whether they were drawn.

    ``root`` holds all of them or does not come into being. Processes that do this at the same time end with
    the same files: each draws into a folder of its own, and the first to finish renames it to ``root``.
    ``words``: for the layout of that name; the other layouts have none.

    Raises:
        DataError: ``root`` holds scenes drawn with other settings, or something else, or cannot be written.
    """
    drawn: dict[str, Any] = {"train": train, "val": val, "size": size, "seed": seed}
    if layout == "words":
        drawn |= asdict(words or WordSettings())
    wanted = {"version": scene_words.VERSION if layout == "words" else VERSION, "layout": layout, **drawn}
    if _is_taken(root):
        _check_record(root, wanted)
        return False
    root = root.resolve()
    try:
        _draw(root, layout, drawn, wanted, progress)
    except OSError as error:
        if _is_taken(root):  # another process was quicker
            _check_record(root, wanted)
            return False
        raise DataError(
            f"data.root: the scenes could not be written to {root}: {error.strerror or error}; "
            "free some space or set data.root to another folder"
        ) from error
    return True


def _draw(root: Path, layout: Layout, drawn: dict[str, Any], record: dict[str, Any], progress: Progress | None) -> None:
    """Write the files and how they were drawn, all or none."""
    with _folder_aside(root) as aside:
        _WRITERS[layout](aside, **drawn, progress=progress)
        classes = [] if layout == "words" else list(CLASSES)
        write_json(aside / RECORD, {"generator": "saccade scenes", **record, "classes": classes})


def write_voc(root: Path, *, train: int, val: int, size: int, seed: int, progress: Progress | None = None) -> None:
    """Write the Pascal VOC layout: one to three shapes a scene, with all that are seen in the XML."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    states: dict[str, dict[str, dict[str, int]]] = {"train": {}, "val": {}}
    for split, index in _counted(train, val, progress):
        image, scene = draw_scene(seed, index, size=size, split=split)
        name = f"{split}_{index:06d}"
        _save_jpeg(image, root / "JPEGImages" / f"{name}.jpg")
        text = ET.tostring(_annotation(name, scene), encoding="unicode")
        (root / "Annotations" / f"{name}.xml").write_text(text + "\n", encoding="utf-8")
        states[split][name] = class_states(scene)
    states["trainval"] = states["train"] | states["val"]
    for set_name, of_image in states.items():
        _write_sets(root / "ImageSets" / "Main", set_name, of_image)


def write_folder(root: Path, *, train: int, val: int, size: int, seed: int, progress: Progress | None = None) -> None:
    """Write one folder a class: ``<split>/<class>/*.jpg``, a single shape a scene."""
    for split in ("train", "val"):
        for shape in CLASSES:
            (root / split / shape).mkdir(parents=True, exist_ok=True)
    for split, index in _counted(train, val, progress):
        image, scene = draw_scene(seed, index, size=size, split=split, max_objects=1)
        _save_jpeg(image, root / split / scene.objects[0].shape / f"{index:06d}.jpg")


def write_masks(root: Path, *, train: int, val: int, size: int, seed: int, progress: Progress | None = None) -> None:
    """Write Pascal VOC's layout for segmentation: one to three shapes a scene, with what is seen of each as its mask.

    Ground has id 0, the shapes have 1 to C in the order of ``CLASSES``; every pixel has a class, and none is void.
    """
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    palette = _palette()
    names: dict[str, list[str]] = {"train": [], "val": []}
    for split, index in _counted(train, val, progress):
        image, scene = draw_scene(seed, index, size=size, split=split)
        name = f"{split}_{index:06d}"
        _save_jpeg(image, root / "JPEGImages" / f"{name}.jpg")
        (root / "SegmentationClass" / f"{name}.png").write_bytes(palette_png(class_mask(scene), palette))
        names[split].append(name)
    names["trainval"] = names["train"] + names["val"]
    for split_name, ids in names.items():
        text = "".join(f"{image_id}\n" for image_id in ids)
        (root / "ImageSets/Segmentation" / f"{split_name}.txt").write_text(text, encoding="utf-8")
    (root / CLASSES_FILE).write_text("".join(f"{name}\n" for name in MASK_CLASSES), encoding="utf-8")


def write_captions(root: Path, *, train: int, val: int, size: int, seed: int, progress: Progress | None = None) -> None:
    """Write COCO's layout for captions: one or two shapes a scene, and ``captions/captions_<split>.json``.

    Image ids begin at 0, and in the validation split at a million, so that no two images share one.
    """
    (root / "JPEGImages").mkdir(parents=True, exist_ok=True)
    documents: dict[str, dict[str, list[Any]]] = {
        split: {"images": [], "annotations": []} for split in ("train", "val")
    }
    for split, index in _counted(train, val, progress):
        image, scene = draw_scene(seed, index, size=size, split=split, max_objects=scene_captions.MOST_OBJECTS)
        name, image_id = f"{split}_{index:06d}.jpg", index + (10**6 if split == "val" else 0)
        _save_jpeg(image, root / "JPEGImages" / name)
        documents[split]["images"].append({"id": image_id, "file_name": name, "height": size, "width": size})
        documents[split]["annotations"] += [
            {"id": image_id * scene_captions.PER_SCENE + k, "image_id": image_id, "caption": caption}
            for k, caption in enumerate(scene_captions.captions(scene, seed=seed, index=index))
        ]
    for split_name, document in documents.items():
        write_json(root / "captions" / f"captions_{split_name}.json", document)


def write_words(
    root: Path,
    *,
    train: int,
    val: int,
    size: int,
    seed: int,
    characters: Characters,
    sheets: int,
    progress: Progress | None = None,
) -> None:
    """Write ICDAR 2015's layout: one to ten words a scene, and sheets of words, in ``scene_text_files``."""
    which = _counted(train + sheets, val, progress)
    scene_text_files.write_words(root, which, size=size, seed=seed, characters=characters, sheets_from=train)


_WRITERS: dict[Layout, Callable[..., None]] = {
    "voc": write_voc,
    "folder": write_folder,
    "masks": write_masks,
    "captions": write_captions,
    "words": write_words,
}


def class_mask(scene: Scene) -> NDArray[np.uint8]:
    """(H, W) 0 where the ground is seen, else 1 + the position in ``CLASSES`` of the shape that is."""
    classes = [0, *(1 + CLASSES.index(thing.shape) for thing in scene.objects)]
    return np.array(classes, dtype=np.uint8)[scene.owner]


def _palette() -> NDArray[np.uint8]:
    """(256, 3) black for the ground and hues around the circle for the shapes."""
    palette = np.zeros((256, 3), dtype=np.uint8)
    for i in range(len(CLASSES)):
        palette[1 + i] = [round(255 * v) for v in hsv_to_rgb(i / len(CLASSES), 0.75, 0.95)]
    return palette


def class_states(scene: Scene) -> dict[str, int]:
    """For each class 1 present, 0 seen in difficult objects only, -1 absent, as VOC's set files have it."""
    states = dict.fromkeys(CLASSES, -1)
    for i, thing in enumerate(scene.objects):
        if scene.visible(i) > 0:
            states[thing.shape] = max(states[thing.shape], 0 if scene.difficult(i) else 1)
    return states


def _counted(train: int, val: int, progress: Progress | None) -> Iterator[tuple[SceneSplit, int]]:
    """Every (split, index) there is to draw, telling ``progress`` after each."""
    done = 0
    splits: tuple[tuple[SceneSplit, int], ...] = (("train", train), ("val", val))
    for split, count in splits:
        for index in range(count):
            yield split, index
            done += 1
            if progress is not None:
                progress(done, train + val)


def _save_jpeg(image: NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(image).save(path, quality=95, subsampling=0)  # at 64 pixels, halved colour is half a shape


def _annotation(name: str, scene: Scene) -> ET.Element:
    """The XML of one scene as VOC writes it; hidden objects are left out."""
    root = ET.Element("annotation")
    _fill(root, {"folder": "scenes", "filename": f"{name}.jpg"})
    _fill(ET.SubElement(root, "source"), {"database": "saccade scenes", "annotation": "drawn", "image": "drawn"})
    _fill(ET.SubElement(root, "size"), {"width": scene.size, "height": scene.size, "depth": 3})
    _fill(root, {"segmented": 0})
    for i, thing in enumerate(scene.objects):
        if scene.visible(i) == 0:
            continue
        element = ET.SubElement(root, "object")
        flags = {
            "truncated": scene.truncated(i),
            "occluded": scene.occluded(i),
            "difficult": scene.difficult(i),
        }
        _fill(
            element,
            {"name": thing.shape, "pose": "Unspecified", **{key: int(on) for key, on in flags.items()}},
        )
        x0, y0, x1, y1 = scene.box_xyxy(i)  # VOC counts pixels from 1, and both ends lie inside the box
        _fill(ET.SubElement(element, "bndbox"), {"xmin": x0 + 1, "ymin": y0 + 1, "xmax": x1, "ymax": y1})
    ET.indent(root, "\t")
    return root


def _fill(parent: ET.Element, values: dict[str, Any]) -> None:
    """Append one element with a text for each entry."""
    for key, value in values.items():
        ET.SubElement(parent, key).text = str(value)


def _write_sets(folder: Path, set_name: str, states: dict[str, dict[str, int]]) -> None:
    """Write ``<set>.txt`` of ids and ``<class>_<set>.txt`` of ids with 1, 0 or -1."""
    (folder / f"{set_name}.txt").write_text("".join(f"{name}\n" for name in states), encoding="utf-8")
    for shape in CLASSES:
        lines = (f"{name} {of_class[shape]:2d}\n" for name, of_class in states.items())
        (folder / f"{shape}_{set_name}.txt").write_text("".join(lines), encoding="utf-8")


@contextmanager
def _folder_aside(root: Path) -> Iterator[Path]:
    """Yield a new folder beside ``root``, renamed to ``root`` if the block ends well, else removed.

    Raises:
        OSError: the rename found something in ``root``; that stays as it was.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    aside = root.with_name(f".{root.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        aside.mkdir()
        yield aside
        with suppress(OSError):  # Windows renames to a free name only
            root.rmdir()
        aside.rename(root)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _is_taken(root: Path) -> bool:
    """Whether there is anything at ``root`` but an empty folder."""
    if not root.is_dir():
        return root.exists() or root.is_symlink()
    return any(root.iterdir())


def _check_record(root: Path, wanted: dict[str, Any]) -> None:
    """Raise a ``DataError`` unless ``root`` holds the scenes that are wanted."""
    try:
        found = json.loads((root / RECORD).read_text(encoding="utf-8"))
        known = isinstance(found, dict) and found.get("generator") == "saccade scenes"
    except (OSError, ValueError):
        known = False
    if not known:
        raise DataError(
            f"data.root: {root} is there already and is not a folder of built-in scenes "
            f"(it has no {RECORD} of theirs), so nothing was written; set data.root to a new or empty folder"
        )
    differing = [key for key in wanted if found.get(key) != wanted[key]]
    if differing:
        told = ", ".join(f"{key} {found.get(key)} there and {wanted[key]} wanted" for key in differing)
        raise DataError(
            f"data.root: {root} holds scenes drawn with other settings: {told}; "
            "delete that folder to draw them anew, set data.root to another one, or set data.scenes as it was"
        )
