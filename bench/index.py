"""A million file names: Saccade's index beside the list of tuples that torchvision's ImageFolder keeps.

    python bench/index.py [--names 1000000] [--classes 1000]

Makes a real tree of empty files in the temporary folder (a minute, with its removal), reads it both ways, and
prints seconds, memory and pickle of each, with the ratio. The tree is walked once before anything is
measured, so that both find its folders in the cache of the system.
"""

from __future__ import annotations

import argparse
import gc
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from saccade.data import folder
from saccade.data.listing import Listing

Samples = list[tuple[str, int]]
Result = TypeVar("Result")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=1_000_000, help="number of file names")
    parser.add_argument("--classes", type=int, default=1000, help="number of class folders")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="saccade-index-") as place:
        root = Path(place)
        make_tree(root, given.names, given.classes)
        report(root)


def make_tree(root: Path, names: int, classes: int) -> None:
    """Make ``names`` empty files in ``classes`` folders below ``root``/train."""
    for c in range(classes):
        below = root / "train" / f"n{c:08d}"
        below.mkdir(parents=True)
        for i in range(c, names, classes):
            os.close(os.open(f"{below}/n{c:08d}_{i:08d}.JPEG", os.O_CREAT | os.O_WRONLY))


def report(root: Path) -> None:
    """Read the tree both ways and print a row for each measure."""
    plain_list(root)
    plain_seconds, plain = timed(lambda: plain_list(root))
    plain_seconds_to_pickle, plain_pickle = timed(lambda: pickle.dumps(plain, protocol=5))
    row("", "saccade", "plain list", "ratio")
    seconds, listing = timed(lambda: folder.read(root, "train", classes=None))
    assert [name for name, _ in plain] == [f"{root}/{name}" for name in listing.images]
    assert [label for _, label in plain] == listing.targets.tolist()
    measured("index, seconds", seconds, plain_seconds)
    measured("memory, MB", listing_bytes(listing) / 1e6, list_bytes(plain) / 1e6)
    seconds, data = timed(lambda: pickle.dumps(listing, protocol=5))
    measured("pickle, seconds", seconds, plain_seconds_to_pickle)
    measured("pickle, MB", len(data) / 1e6, len(plain_pickle) / 1e6)
    seconds, _ = timed(lambda: pickle.loads(data))
    measured("unpickle, seconds", seconds, timed(lambda: pickle.loads(plain_pickle))[0])


def plain_list(root: Path) -> Samples:
    """(path, class) of each image in the way of ImageFolder: os.walk, sorted, one tuple an image."""
    samples = []
    for label, name in enumerate(sorted(entry.name for entry in os.scandir(root / "train") if entry.is_dir())):
        for below, _, files in sorted(os.walk(root / "train" / name, followlinks=True)):
            for file in sorted(files):
                if file.lower().endswith((".jpg", ".jpeg", ".png")):
                    samples.append((os.path.join(below, file), label))  # noqa: PTH118
    return samples


def list_bytes(samples: Samples) -> int:
    """The list, its tuples and its strings; the few integers are shared."""
    return sys.getsizeof(samples) + sum(sys.getsizeof(pair) + sys.getsizeof(pair[0]) for pair in samples)


def listing_bytes(listing: Listing) -> int:
    """The arrays; the few objects around them do not grow."""
    return sum(array.nbytes for array in (*listing.images.arrays(), listing.targets))


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that ``work`` took, and its result."""
    gc.collect()
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def measured(what: str, ours: float, plain: float) -> None:
    """Print one measure and the ratio."""
    row(what, f"{ours:.3f}", f"{plain:.3f}", f"{ours / plain:.3f}")


def row(*cells: str) -> None:
    """Print one row of the table."""
    print("".join(f"{cell:>{width}}" for cell, width in zip(cells, (20, 12, 12, 9), strict=True)))


if __name__ == "__main__":
    main()
