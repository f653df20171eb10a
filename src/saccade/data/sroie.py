"""SROIE's scanned receipts in their own form: ``X51005200931.txt`` beside each image, or zzzDavid's cleaned copy.

The copy has ``img/NNN.jpg``, ``box/NNN.csv``, and ``key/``, which is not read. Both have a line
``x1,y1,...,x4,y4,transcript`` for each line of text. The ``.csv`` are no CSV: commas stand in transcripts as they are,
and double quotes mean themselves. Corners may lie some pixels outside of the image.
"""

from __future__ import annotations

from pathlib import Path

from saccade.data.folder import folders_in
from saccade.data.listing import Listing
from saccade.data.mended import Mended
from saccade.data.word_files import are_together, listing_of, quad_of, whats_there
from saccade.errors import DataError

IMAGES, TEXTS = "img", "box"
"""The folders of the cleaned copy."""
_COPY = "data"
"""Where in the copy's repository they lie."""
_ENDINGS = (".csv", ".txt")


def read(root: Path, split: str) -> tuple[Listing, Mended]:
    """List the images of ``split`` by name with their lines of text, and how many of these were set right.

    The split is a folder of ``root`` that holds ``img/`` and ``box/``, or images with ``<image>.txt`` beside each of
    them; "." is ``root`` as such a folder, or the ``data/`` in it.

    Raises:
        DataError: no such split; an image without its file of text or the reverse; a line that is none, or an outline
            without an inside, by file and line.
    """
    there = _folders(root)
    if split not in there:
        looked = f"{split}/{IMAGES}/ with {split}/{TEXTS}/, nor {split}/ with a .txt beside each image"
        raise DataError(f"{root}: no split {split!r}: there is no {looked}; {whats_there(root, there)}")
    images, texts = there[split]
    return listing_of(root, images, texts, _ENDINGS, quad_of)


def splits(root: Path) -> list[str]:
    """Names of the splits, sorted: ["."] where images and texts lie in one tree; empty where there is none."""
    return sorted(_folders(root))


def _folders(root: Path) -> dict[str, tuple[str, str]]:
    """The folders of each split, images and texts, relative to ``root``."""
    found = {folder: places for folder in folders_in(root) if (places := _places(root, folder)) is not None}
    tree = _places(root, ".") or found.pop(_COPY, None)
    return found | ({} if tree is None else {".": tree})


def _places(root: Path, folder: str) -> tuple[str, str] | None:
    """Images and texts of a folder, relative to ``root``; None where it holds no such data."""
    images, texts = (f"{folder}/{name}".removeprefix("./") for name in (IMAGES, TEXTS))
    if (root / images).is_dir() and (root / texts).is_dir():
        return images, texts
    return (folder, folder) if are_together(root / folder, "", (".txt",)) else None
