"""ICDAR's text in scenes: 2015 ("incidental", four corners a word), 2013 ("focused", rectangles), and copies of them.

A word is a line ``x1,y1,...,x4,y4,transcript``, clockwise from the corner where reading begins, or a rectangle
``x1, y1, x2, y2, "transcript"`` with commas or blanks between. ``###`` is text that nobody could read. Corners may lie
some pixels outside of the image.
"""

from __future__ import annotations

import re
from pathlib import Path

from saccade.data.folder import folders_in
from saccade.data.listing import Listing
from saccade.data.mended import Mended
from saccade.data.word_files import NUMBER, QUAD_LINE, Word, are_together, listing_of, quad_of, whats_there
from saccade.errors import DataError

IMAGES, TEXTS = "_images", "_gts"
"""What a split's folders are called after its name."""
OFFICIAL = {
    "train": (
        ("ch4_training_images", "ch4_training_localization_transcription_gt"),
        ("Challenge2_Training_Task12_Images", "Challenge2_Training_Task1_GT"),
    ),
    "test": (
        ("ch4_test_images", "Challenge4_Test_Task1_GT"),
        ("Challenge2_Test_Task12_Images", "Challenge2_Test_Task1_GT"),
    ),
}
"""The folders that the archives of 2015 and 2013 unpack to, images and texts."""
_ENDINGS = (".txt",)
_FORMS = f'{QUAD_LINE} or x1,y1,x2,y2,"transcript"'
_BETWEEN = r"(?:\s*,\s*|\s+)"
_RECTANGLE = re.compile(rf'\s*{_BETWEEN.join([f"({NUMBER})"] * 4)}{_BETWEEN}(".*")\s*')


def read(root: Path, split: str) -> tuple[Listing, Mended]:
    """List the images of ``split`` by name with their words, and how many of these were set right.

    The folders are ``<split>_images`` and ``<split>_gts``, those that ICDAR's archives unpack to, or one folder of the
    split's name with ``gt_<image>.txt`` beside each image; "." is ``root`` as such a folder.

    Raises:
        DataError: no such split; an image without its file of words or the reverse; a line that is no word, or an
            outline without an inside, by file and line.
    """
    there = _folders(root)
    if split not in there:
        looked = f"{split}{IMAGES}/ with {split}{TEXTS}/, nor {split}/ with gt_<image>.txt beside each image"
        raise DataError(f"{root}: no split {split!r}: there is no {looked}; {whats_there(root, there)}")
    images, texts = there[split]
    return listing_of(root, images, texts, _ENDINGS, word_of)


def splits(root: Path) -> list[str]:
    """Names of the splits, sorted: "." where images and texts lie in ``root`` itself; empty where there is none."""
    return sorted(_folders(root))


def word_of(line: str) -> Word | str:
    """The word of one line, or what to say of it; a transcript in double quotes is taken out of them."""
    rectangle = _RECTANGLE.fullmatch(line)
    if rectangle is None:
        word = quad_of(line, forms=_FORMS)
        return word if isinstance(word, str) else (word[0], _unquoted(word[1]))
    x1, y1, x2, y2 = (float(number) for number in rectangle.group(1, 2, 3, 4))
    if x1 >= x2 or y1 >= y2:
        return f"{x2:g},{y2:g} is not right of and below {x1:g},{y1:g}; a rectangle is its top left and bottom right"
    return [x1, y1, x2, y1, x2, y2, x1, y2], _unquoted(rectangle[5])


def _unquoted(text: str) -> str:
    """A transcript without the double quotes around it, as ICDAR's evaluation takes it."""
    if len(text) < 2 or not text[0] == text[-1] == '"':
        return text
    return text[1:-1].replace("\\\\", "\\").replace('\\"', '"')


def _folders(root: Path) -> dict[str, tuple[str, str]]:
    """The folders of each split, images and texts, relative to ``root``."""
    there = folders_in(root)
    found = {folder: (folder, folder) for folder in (*there, ".") if are_together(root / folder, "gt_", _ENDINGS)}
    for split, places in OFFICIAL.items():
        place = next((place for place in places if set(place) <= set(there)), None)
        found |= {} if place is None else {split: place}
    ours = (folder.removesuffix(IMAGES) for folder in there if folder.endswith(IMAGES))
    return found | {split: (split + IMAGES, split + TEXTS) for split in ours if split + TEXTS in there}
