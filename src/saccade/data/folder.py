"""One folder a class: ``<root>/<split>/<class>/**/*.jpg``, or ``<root>/<class>/**/*.jpg``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from saccade.data.images import SUFFIXES
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.data.wording import counted, named, refuse, refuse_unknown
from saccade.errors import DataError

LAYOUT = "images lie in <split>/<class>/"
_ENDINGS = tuple(SUFFIXES)
_SPLITS = ("train", "val", "valid", "validation", "test")


def read(
    root: Path, split: str, *, classes: tuple[str, ...] | None, called: Mapping[str, str] | None = None
) -> Listing:
    """List the images below each class folder of ``split``, by folder and path, with (N,) int64 targets.

    ``split`` "." takes ``root`` itself as one tree of classes. ``classes`` None takes the folders, sorted; an empty
    folder is then a class without images. ``called`` gives folders another name as classes, without changing their
    order; one that ``classes`` holds as it is keeps its own. Hidden files and folders, and files that are no images,
    are left alone.

    Raises:
        DataError: the split or its class folders are missing or hold no image, or a folder is no given class.
    """
    split = split if (root / split).is_dir() else _split_folders(root).get(split, split)
    base = root if split == "." else root / split
    if not base.is_dir():
        raise DataError(f"{base}: no such folder; {_whats_there(root)}")
    folders = folders_in(base)
    if not folders:
        loose = counted(sum(is_image(name) for name in _file_names(base)), "image")
        raise DataError(f"{base}: no folder of a class, {loose} directly in it; {LAYOUT}")
    class_of = _class_of(base, folders, classes or (), called or {})
    names = tuple(class_of.values()) if classes is None else classes
    refuse_unknown({name: base / folder for folder, name in class_of.items()}, names)
    found = [sorted(images_below(base / name)) for name in folders]
    if not any(found):
        raise DataError(f"{base}: no image in any of its folders {named(folders)}; {LAYOUT}")
    prefix = "" if split == "." else f"{Path(split).as_posix()}/"
    images = PathList(
        f"{prefix}{folder}/{name}" for folder, below in zip(folders, found, strict=True) for name in below
    )
    position = {name: i for i, name in enumerate(names)}
    places = np.array([position[class_of[folder]] for folder in folders], dtype=np.int64)
    return Listing(root, images, np.repeat(places, [len(below) for below in found]), names)


def splits(root: Path) -> list[str]:
    """Names of the folders directly in ``root``, sorted, without hidden ones; empty if there is no root.

    A folder ``Train`` or ``VAL`` is named ``train`` or ``val``, as ``read`` takes it, where it can be nothing else.
    """
    named_so = {folder: split for split, folder in _split_folders(root).items()}
    return sorted(named_so.get(folder, folder) for folder in folders_in(root))


def folders_in(root: Path) -> list[str]:
    """The folders directly in ``root`` as they are called there."""
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        return sorted(e.name for e in entries if not e.name.startswith((".", "__MACOSX")) and e.is_dir())


def _split_folders(root: Path) -> dict[str, str]:
    """The folder of each usual split whose name is written in another case, and that is no class.

    Not where two of them differ in case alone, nor where images lie directly in it: Train may be a class, of vehicles.
    """
    folders = folders_in(root)
    uses = Counter(folder.casefold() for folder in folders)
    return {
        folder.casefold(): folder
        for folder in folders
        if folder.casefold() in _SPLITS
        and folder != folder.casefold()
        and uses[folder.casefold()] == 1
        and not any(is_image(name) for name in _file_names(root / folder))
        and is_class_tree(root / folder)
    }


def _class_of(base: Path, folders: list[str], classes: tuple[str, ...], called: Mapping[str, str]) -> dict[str, str]:
    """The class that each folder stands for."""
    class_of = {folder: folder if folder in classes else called.get(folder, folder) for folder in folders}
    uses = Counter(class_of.values())
    refuse([f"{base / f}: class {c!r} is the name of another folder too" for f, c in class_of.items() if uses[c] > 1])
    return class_of


def is_image(name: str) -> bool:
    """Whether a file of this name is read as an image; hidden files (``._dog.jpg``) are not."""
    return name.lower().endswith(_ENDINGS) and name[0] != "."


def is_class_tree(root: Path) -> bool:
    """Whether some folder directly in ``root`` holds images itself, so that its name may be a class."""
    return any(is_image(name) for folder in folders_in(root) for name in _file_names(root / folder))


def _file_names(folder: Path) -> list[str]:
    """All names in a folder, as plain strings: there may be very many."""
    return os.listdir(folder)  # noqa: PTH208


def images_below(folder: Path) -> list[str]:
    """Paths of all images below ``folder``, relative to it; links are followed unless they lead back up."""
    images = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(folder / prefix) as entries:
            for entry in entries:
                if is_image(entry.name) and not entry.is_dir():
                    images.append(prefix + entry.name)
                elif not entry.name.startswith(".") and entry.is_dir() and not _leads_back(entry):
                    waiting.append(f"{prefix}{entry.name}/")
    return images


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a link to a folder that it lies in."""
    if not entry.is_symlink():
        return False
    target = Path(entry.path).resolve()
    return target == target.parent or Path(entry.path).parent.resolve().is_relative_to(target)


def _whats_there(root: Path) -> str:
    """What a message says of the root: its folders, and what to set where they look like classes."""
    if not root.is_dir():
        return f"data.root {root} is no folder either"
    folders = folders_in(root)
    hint = "" if not is_class_tree(root) else "; they look like classes: set data.train=. data.val=null to split them"
    return f"{root} has the folders {named(folders)}{hint}" if folders else f"{root} has no folders"
