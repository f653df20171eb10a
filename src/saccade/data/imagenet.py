"""ImageNet (ILSVRC 2012) as it is distributed: from its three tar files to one folder a class.

``ILSVRC2012_img_train.tar`` holds a tar for each class, ``ILSVRC2012_img_val.tar`` the validation images in one heap,
and ``ILSVRC2012_devkit_t12.tar.gz`` says what the classes are called and which of them each validation image shows.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from scipy.io import loadmat

from saccade.data import archives
from saccade.data.archives import Progress
from saccade.data.class_names import FILE
from saccade.errors import DataError
from saccade.files import write_text

TRAIN, VAL, DEVKIT = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz"
_META, _TRUTH = "data/meta.mat", "data/ILSVRC2012_validation_ground_truth.txt"
_CLASS_TAR = re.compile(r"(n\d+)\.tar")
_VAL_IMAGE = re.compile(r"ILSVRC2012_val_(\d+)\.JPEG", re.IGNORECASE)
_MEAN_IMAGE = 100_000  # bytes; for the guess how many files a tar holds


@dataclass(frozen=True)
class Synset:
    """One class."""

    wnid: str  # WordNet's id, such as n01440764
    words: str  # all its names, such as "tench, Tinca tinca"
    n_train: int  # training images that the devkit promises


@dataclass(frozen=True)
class Devkit:
    """The classes, sorted by id, and the id of what each validation image shows, in the order of their numbers."""

    synsets: tuple[Synset, ...]
    val: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What is left to unpack from ``source`` to ``target``."""

    source: Path
    target: Path
    devkit: Devkit
    train: frozenset[str]  # ids of the classes that are not there yet
    val: bool
    n_bytes: int


@dataclass(frozen=True)
class Split:
    """What is there of a split, beside what the devkit promises."""

    name: str
    found: dict[str, int]  # images by class id
    expected: dict[str, int]

    @property
    def differing(self) -> dict[str, tuple[int, int]]:
        """Found and expected images of each class where they differ."""
        ids = sorted({*self.found, *self.expected})
        both = {i: (self.found.get(i, 0), self.expected.get(i, 0)) for i in ids}
        return {i: numbers for i, numbers in both.items() if numbers[0] != numbers[1]}


def plan(source: Path, target: Path) -> Plan:
    """Look at what there is and what is missing; writes nothing.

    Raises:
        DataError: a tar file that is needed is missing or damaged, or the disk is too small.
    """
    _need_devkit(source)
    devkit = read_devkit(source / DEVKIT)
    train = frozenset(s.wnid for s in devkit.synsets if not (target / "train" / s.wnid).is_dir())
    val = not (target / "val").is_dir()
    missing = [name for name, wanted in ((TRAIN, train), (VAL, val)) if wanted and not (source / name).is_file()]
    if missing:
        raise DataError(f"{source}: {_lacks(missing)}")
    n_bytes = sum(_class_sizes(source / TRAIN, train)) if train else 0
    n_bytes += (source / VAL).stat().st_size if val else 0
    begun = archives.bytes_below(_aside(target, "val")) + archives.bytes_below(_aside(target, "train"))
    needed = max(0, archives.on_disk(n_bytes, n_bytes // _MEAN_IMAGE) - begun)
    archives.need_space(target, needed, "unpacking ImageNet")
    return Plan(source, target, devkit, train, val, n_bytes)


def unpack(plan: Plan, *, progress: Progress) -> None:
    """Do what is left: write the class names, then every class of train, then val; each is renamed when it is whole.

    Stopped at any point, a second ``plan`` and ``unpack`` go on where this one was.

    Raises:
        DataError: a tar file that is damaged, unsafe, or not what it should be.
    """
    if not (plan.target / FILE).exists():  # one that is there may have names of the user's own
        write_text(plan.target / FILE, names_csv(plan.devkit.synsets))
    if plan.train:
        _unpack_train(plan, progress)
    if plan.val:
        _unpack_val(plan, progress)


def found(plan: Plan) -> tuple[Split, Split]:
    """Count what is on disk, beside what the devkit promises: train, val."""
    expected = {s.wnid: s.n_train for s in plan.devkit.synsets}
    train, val = (
        {folder.name: len(os.listdir(folder)) for folder in sorted((plan.target / name).glob("n*"))}  # noqa: PTH208
        for name in ("train", "val")
    )
    return Split("train", train, expected), Split("val", val, dict(Counter(plan.devkit.val)))


def read_devkit(path: Path) -> Devkit:
    """The classes without children in the devkit's ``meta.mat``, and its ground truth.

    Raises:
        DataError: not the devkit, or damaged.
    """
    with archives.opened(path) as tar:
        contents = {}
        for member in archives.files(tar, str(path)):
            for name in (_META, _TRUTH):
                if f"/{member.name}".endswith(f"/{name}"):
                    contents[name] = tar.extractfile(member).read()  # type: ignore[union-attr]  # files() yields files
    lacking = [name for name in (_META, _TRUTH) if name not in contents]
    if lacking:
        raise DataError(f"{path}: holds no {' and no '.join(lacking)}; it is not the devkit of ILSVRC 2012 (task 1, 2)")
    by_number = _synsets(path, contents[_META])
    val = []
    for line, text in enumerate(contents[_TRUTH].decode("ascii", "replace").split(), start=1):
        if not text.isdecimal() or int(text) not in by_number:
            raise DataError(f"{path}: {_TRUTH}:{line}: found {text!r}; it takes the ILSVRC2012_ID of a class")
        val.append(by_number[int(text)].wnid)
    return Devkit(tuple(sorted(by_number.values(), key=lambda s: s.wnid)), tuple(val))


def names_csv(synsets: Sequence[Synset]) -> str:
    """The text of ``classes.csv``: id, a short name that no other class has, and all words of each class.

    The short name is the first word of the synset; where several begin alike (crane, the bird and the machine) the id
    is added to each of them.
    """
    first = [s.words.partition(",")[0].strip() for s in synsets]
    uses = Counter(word.casefold() for word in first)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "name", "words"])
    for word, synset in zip(first, synsets, strict=True):
        unique = word if word and uses[word.casefold()] == 1 else f"{word} ({synset.wnid})".strip()
        writer.writerow([synset.wnid, unique, synset.words])
    return text.getvalue()


def _need_devkit(source: Path) -> None:
    if not source.is_dir():
        raise DataError(f"{source}: no such folder; --from takes the folder with {TRAIN}, {VAL} and {DEVKIT}")
    if not (source / DEVKIT).is_file():
        raise DataError(f"{source}: {_lacks([name for name in (TRAIN, VAL, DEVKIT) if not (source / name).is_file()])}")


def _lacks(missing: Sequence[str]) -> str:
    return (
        f"there is no {' and no '.join(missing)}; image-net.org gives the files of ILSVRC 2012 to those who register "
        "(they are not downloaded here); keep their names"
    )


def _synsets(path: Path, meta: bytes) -> dict[int, Synset]:
    """The classes without children, by ILSVRC2012_ID."""
    try:
        rows: Any = np.atleast_1d(loadmat(io.BytesIO(meta), squeeze_me=True)["synsets"])
        return {
            int(row["ILSVRC2012_ID"]): Synset(str(row["WNID"]), str(row["words"]), int(row["num_train_images"]))
            for row in rows
            if int(row["num_children"]) == 0
        }
    # loadmat raises nearly anything over a damaged file
    except Exception as error:
        raise DataError(f"{path}: {_META}: cannot be read as the devkit's table of synsets ({error!r})") from None


def _aside(target: Path, split: str) -> Path:
    """Where what is not whole yet is written; the readers pass by hidden folders."""
    return target / f".{split}.part"


def _class_tars(tar: tarfile.TarFile, path: Path) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """The tar of each class within the training tar, by id."""
    for member in archives.files(tar, str(path)):
        name = _CLASS_TAR.fullmatch(PurePosixPath(member.name).name)
        if name is None:
            raise DataError(f"{path}: holds {member.name!r}; the training tar holds one tar a class (n01440764.tar)")
        yield name[1], member


def _class_sizes(path: Path, wanted: frozenset[str]) -> list[int]:
    with archives.opened(path) as tar:
        return [member.size for wnid, member in _class_tars(tar, path) if wnid in wanted]


def _unpack_train(plan: Plan, progress: Progress) -> None:
    path, aside = plan.source / TRAIN, _aside(plan.target, "train")
    known = {s.wnid for s in plan.devkit.synsets}
    (plan.target / "train").mkdir(parents=True, exist_ok=True)
    with archives.opened(path) as tar:
        for wnid, member in _class_tars(tar, path):
            if wnid not in known:
                raise DataError(f"{path}: {member.name}: the devkit has no class {wnid}; take both of the same year")
            if wnid in plan.train:
                _unpack_class(tar, member, path, aside / wnid, progress)
                (aside / wnid).rename(plan.target / "train" / wnid)
    shutil.rmtree(aside, ignore_errors=True)  # empty, unless the tar has lost a class that an earlier one had


def _unpack_class(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, folder: Path, progress: Progress) -> None:
    """Unpack the tar of a class, read out of the training tar as it goes."""
    name = f"{path}: {member.name} in it"
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    with archives.whole(name), tarfile.open(fileobj=tar.extractfile(member), mode="r:") as inner:
        for image in archives.files(inner, name):
            archives.unpack(inner, image, folder / PurePosixPath(image.name).name)
            progress(inner.offset - done)
            done = inner.offset
    progress(member.size - done)


def _unpack_val(plan: Plan, progress: Progress) -> None:
    path, aside = plan.source / VAL, _aside(plan.target, "val")
    done = 0
    with archives.opened(path) as tar:
        for image in archives.files(tar, str(path)):
            name = PurePosixPath(image.name).name
            archives.unpack(tar, image, aside / _shown(plan.devkit, path, name) / name)
            progress(tar.offset - done)
            done = tar.offset
    if not aside.is_dir():
        raise DataError(f"{path}: holds no image")
    aside.rename(plan.target / "val")
    progress(path.stat().st_size - done)


def _shown(devkit: Devkit, path: Path, name: str) -> str:
    """The id of the class that a validation image shows."""
    number = _VAL_IMAGE.fullmatch(name)
    if number is None or not 1 <= int(number[1]) <= len(devkit.val):
        last = f"ILSVRC2012_val_{len(devkit.val):08d}.JPEG"
        raise DataError(f"{path}: holds {name!r}; by the devkit its images are ILSVRC2012_val_00000001.JPEG to {last}")
    return devkit.val[int(number[1]) - 1]


def told(split: Split) -> str:
    """One line on a split: what was found, and where that differs from what the devkit promises."""
    images, classes = sum(split.found.values()), len(split.found)
    head = f"{split.name}: {images:,} images in {classes:,} classes"
    if not split.differing:
        return f"{head}, as many as the devkit says"
    lines = [f"{i} has {there:,} of {wanted:,}" for i, (there, wanted) in list(split.differing.items())[:5]]
    more = f", and {len(split.differing) - 5} more" if len(split.differing) > 5 else ""
    expected = f"{sum(split.expected.values()):,} in {len(split.expected):,}"
    return f"{head}; the devkit says {expected}: {', '.join(lines)}{more}"
