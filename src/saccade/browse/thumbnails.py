"""Small copies of a run's images, from the folders that may be shown and from nowhere else."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from saccade.data.images import read_rgb
from saccade.errors import DataError

SIZES = (360, 1280)  # longest side in pixels: a tile, and the large view
QUALITY = 88


@dataclass(frozen=True)
class Allowed:
    """The folders whose images may be shown.

    A path counts where it really lies, after every symbolic link: a link out of the folders is refused, and a
    data root that is a link itself is not.
    """

    root: Path | None  # the data root, which relative paths start from
    run: Path  # the run folder
    name: str = "data folder"  # what the page calls it

    def find(self, image: str) -> Path | str:
        """The file of ``image``, or in a few words why it is not shown."""
        if self.root is None or not self.root.is_dir():
            return f"{self.name} not found"
        try:
            file = (self.root / image).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # missing; a NUL byte in it; links in a circle
            return "file not found"
        if not any(file.is_relative_to(folder.resolve()) for folder in (self.root, self.run)):
            return f"outside the {self.name}"
        return file if file.is_file() else "file not found"


@dataclass(frozen=True)
class Thumbnail:
    """What was made of a file, such as a JPEG, and the tag by which a browser knows that it has it already."""

    tag: str
    data: bytes


class Kept:
    """Keeps what was made of files and used last, up to ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._made: OrderedDict[str, Thumbnail] = OrderedDict()
        self._lock = threading.Lock()

    def made(self, file: Path, what: str, make: Callable[[], bytes]) -> Thumbnail:
        """What ``make`` gives, unless it was made of this ``file`` before and the file is the same; ``what`` names it.

        Raises:
            OSError: the file is not there, or as ``make`` raises it.
        """
        stat = file.stat()
        name = f"{file}\n{stat.st_mtime_ns}\n{stat.st_size}\n{what}"
        tag = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        with self._lock:
            if tag in self._made:
                self._made.move_to_end(tag)
                return self._made[tag]
        made = Thumbnail(tag, make())
        with self._lock:
            if tag not in self._made:  # another request may have made it meanwhile
                self._made[tag] = made
                self._held += len(made.data)
            while self._held > self._limit and len(self._made) > 1:
                self._held -= len(self._made.popitem(last=False)[1].data)
        return made


class Thumbnails(Kept):
    """Makes thumbnails and keeps the last used ones, up to ``limit`` bytes.

    ``make`` turns a file and a size into bytes, a JPEG by default, and raises OSError where it cannot; ``key`` names
    whatever else it goes by.
    """

    def __init__(
        self, limit: int = 64_000_000, make: Callable[[Path, int], bytes] | None = None, key: str = ""
    ) -> None:
        super().__init__(limit)
        self._make = make or _shrunk
        self._key = key

    def get(self, file: Path, size: int) -> Thumbnail:
        """What ``file`` shows, at most ``size`` pixels on its longer side, upright.

        Raises:
            OSError: it cannot be read.
        """
        return self.made(file, f"{size}\n{self._key}", lambda: self._make(file, size))


def _shrunk(file: Path, size: int) -> bytes:
    try:
        image = read_rgb(file, at_least=size)
    except DataError as error:
        raise OSError(str(error)) from None
    image.thumbnail((size, size))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
