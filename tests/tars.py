"""Small tar files in the layouts in which data sets are distributed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat

from trees import COLOURS, picture

SYNSETS = (
    # ILSVRC2012_ID, WNID, words, num_children, num_train_images; the ids are not in the order of the numbers
    (1, "n02119789", "kit fox, Vulpes macrotis", 0, 4),
    (2, "n01440764", "tench, Tinca tinca", 0, 4),
    (3, "n02012849", "crane", 0, 4),
    (4, "n00001740", "entity", 3, 0),
)
TRUTH = (3, 1, 2, 2, 3, 1)
"""ILSVRC2012_ID of each validation image."""


def tar_of(path: Path, files: Mapping[str, bytes], *, mode: str = "w") -> Path:
    """A tar file of the given names and contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def tar_bytes(files: Mapping[str, bytes]) -> bytes:
    """The same in memory."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return text.getvalue()


def jpeg_bytes(colour: str, seed: int) -> bytes:
    """A small JPEG with a patch of the colour."""
    text = io.BytesIO()
    picture([colour], seed).save(text, "JPEG")
    return text.getvalue()


def devkit(
    path: Path, synsets: Sequence[tuple[int, str, str, int, int]] = SYNSETS, truth: Sequence[int] = TRUTH
) -> Path:
    """A devkit with the struct array and the text file of the official one."""
    fields = [
        "ILSVRC2012_ID",
        "WNID",
        "words",
        "gloss",
        "num_children",
        "children",
        "wordnet_height",
        "num_train_images",
    ]
    rows = np.empty((len(synsets), 1), dtype=[(name, object) for name in fields])
    for row, (number, wnid, words, children, images) in zip(rows[:, 0], synsets, strict=True):
        leaves = np.array([[s[0] for s in synsets if s[3] == 0]] if children else np.empty((1, 0)))
        for name, value in zip(
            fields, (number, wnid, words, f"what {words} is", children, leaves, 0, images), strict=True
        ):
            row[name] = value
    text = io.BytesIO()
    savemat(text, {"synsets": rows}, do_compression=True)
    ground_truth = "".join(f"{number}\n" for number in truth).encode()
    inside = "ILSVRC2012_devkit_t12"
    return tar_of(
        path,
        {
            f"{inside}/readme.txt": b"the documentation\n",
            f"{inside}/data/meta.mat": text.getvalue(),
            f"{inside}/data/ILSVRC2012_validation_ground_truth.txt": ground_truth,
        },
        mode="w:gz",
    )


def imagenet_tars(folder: Path) -> Path:
    """The three official files with 3 classes of 4 training images and 2 validation images each."""
    colour_of = dict(zip((s[0] for s in SYNSETS), COLOURS, strict=False))
    inner = {}
    for number, wnid, _, children, images in SYNSETS:
        if not children:
            files = {f"{wnid}_{i}.JPEG": jpeg_bytes(colour_of[number], 100 * number + i) for i in range(images)}
            inner[f"{wnid}.tar"] = tar_bytes(files)
    tar_of(folder / "ILSVRC2012_img_train.tar", inner)
    val = {
        f"ILSVRC2012_val_{i:08d}.JPEG": jpeg_bytes(colour_of[number], 5000 + i)
        for i, number in enumerate(TRUTH, start=1)
    }
    tar_of(folder / "ILSVRC2012_img_val.tar", val)
    devkit(folder / "ILSVRC2012_devkit_t12.tar.gz")
    return folder
