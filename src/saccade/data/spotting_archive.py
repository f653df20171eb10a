"""What was found in images as the zip of files that ICDAR 2015's evaluation takes."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import PurePosixPath

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # so that the same results make the same file


def results_archive(
    images: Sequence[str], quads: Sequence[Sequence[Sequence[float]]], texts: Sequence[Sequence[str]] | None
) -> bytes:
    """``res_<image>.txt`` of each of N images, a line ``x1,y1,...,x4,y4,"transcript"`` a word.

    Transcripts stand in quotes, as one that begins with a number could be taken for a confidence.

    Args:
        images: N paths, of which the names without their endings are used; no two may be the same.
        quads: of each image K lists of 8 whole numbers.
        texts: of each image K transcripts; None: there are none.
    """
    names = [PurePosixPath(image).stem for image in images]
    assert len(set(names)) == len(names)
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, name in enumerate(names):
            rows = [",".join(f"{number:.0f}" for number in corners) for corners in quads[i]]
            if texts is not None:
                rows = [f"{row},{_quoted(text)}" for row, text in zip(rows, texts[i], strict=True)]
            content = "".join(f"{row}\r\n" for row in rows)
            archive.writestr(zipfile.ZipInfo(f"res_{name}.txt", _LONG_AGO), content.encode("utf-8"))
    return file.getvalue()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
