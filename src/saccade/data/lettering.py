"""Writing on a plane in space: the ink of words, where a camera sees it, and paint where it is seen.

A plane is measured in pixels of the writing (``EM`` of them to the em), an image in its own; both have x right and y
down from the outer corner of the first pixel, and a 3 x 3 homography leads from the plane to the image.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from saccade.errors import DataError

Matrix: TypeAlias = NDArray[np.float64]
"""(3, 3) a homography; it takes columns (x, y, 1) and multiplies from the left."""

EM = 64
"""Size in pixels at which words are written, before a camera sees them smaller."""

PILLOWS_OWN = "Pillow's own"
FACES: tuple[str, ...] = (
    PILLOWS_OWN,
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)
"""The fonts, all of which draw every letter and digit. Of the others in matplotlib's folder, cmex10, cmmi10 and cmsy10
have mathematical signs in the places of some, and DejaVu's Display, STIX's NonUni and Siz and LastResort have none."""

_THIN = ("cmr10", "cmss10", "cmti10", "cmtt10")  # a stroke of theirs would vanish in small writing: one pixel more


@cache
def face(name: str) -> ImageFont.FreeTypeFont:
    """The font of that name in ``FACES``, at ``EM`` pixels.

    Raises:
        DataError: matplotlib is here without the fonts that it comes with.
    """
    if name == PILLOWS_OWN:
        font = ImageFont.load_default(EM)
        assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
        return font
    spec = find_spec("matplotlib")  # only to find its folder: importing it takes a second
    places = spec.submodule_search_locations if spec is not None else None
    path = Path((places or ["matplotlib"])[0]) / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"
    try:
        return ImageFont.truetype(str(path), EM, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise DataError(
            f"the font {path} cannot be read ({error}); scenes with words are written in the fonts that come with "
            "matplotlib: reinstall it with pip"
        ) from error


def ink(text: str, name: str) -> tuple[Image.Image, int]:
    """The ink of a text as a picture (mode L, 255 is ink) that it touches on all four sides, and how many of its rows
    lie above the baseline."""
    above = 2 * EM
    sheet = Image.new("L", (2 * EM * (len(text) + 1), 3 * EM))
    place, stroke = (EM, above), int(name in _THIN)
    ImageDraw.Draw(sheet).text(place, text, fill=255, font=face(name), anchor="ls", stroke_width=stroke)
    box = sheet.getbbox()
    assert box is not None, f"{name} has no ink for {text!r}"
    return sheet.crop(box), above - box[1]


def shifted(x: float, y: float) -> Matrix:
    """The homography that moves by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], dtype=np.float64)


def seen(*, turn: float, yaw: float, pitch: float, scale: float, distance: float) -> Matrix:
    """How a camera sees a plane whose origin lies before it, at the origin of the image.

    The plane is tilted by ``pitch`` about its x axis and by ``yaw`` about its y axis, and turned by ``turn`` as seen,
    clockwise, in radians. At the origin, untilted, ``scale`` pixels of the image show one of the plane, and the camera
    is ``distance`` pixels of the image away.
    """
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    tilted = np.array([[cy, sy * sp, 0], [0, cp, 0], [-sy / distance, cy * sp / distance, 1]])
    ct, st = np.cos(turn), np.sin(turn)
    turned = np.array([[ct, -st, 0], [st, ct, 0], [0, 0, 1]])
    matrix: Matrix = turned @ tilted @ np.diag([scale, scale, 1])
    return matrix


def carried(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) where a homography takes N points."""
    ahead = points @ matrix[:, :2].T + matrix[:, 2]
    assert (ahead[:, 2] > 0).all(), "behind the camera"
    there: NDArray[np.float64] = ahead[:, :2] / ahead[:, 2:]
    return there


def corners(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """(4, 2) TL, TR, BR, BL of an upright box."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def looked_up(picture: Image.Image, matrix: Matrix, width: int, height: int) -> Image.Image:
    """A picture of ``width`` by ``height`` pixels, of which each shows ``picture`` where ``matrix`` takes its middle,
    bilinear, and black where that is outside."""
    factors = (matrix / matrix[2, 2]).ravel()[:8].tolist()
    return picture.transform((width, height), Image.Transform.PERSPECTIVE, factors, Image.Resampling.BILINEAR)


def painted(
    canvas: NDArray[np.float32], cover: Image.Image, matrix: Matrix, rgb: NDArray[np.float32], *, blur: float = 0.0
) -> tuple[tuple[slice, slice], NDArray[np.float32]]:
    """Paint ``cover`` over ``canvas`` in place: mode L, 255 paints wholly; it lies on the plane from the origin on.

    ``canvas``: (H, W, 3) in [0, 1]. ``blur``: standard deviation in pixels of the image, of the cover alone.

    Returns:
        the pixels that may have changed, and (h, w) the share in [0, 1] that is painted of each of them.
    """
    outline = carried(matrix, corners(0, 0, *cover.size))
    reach = int(np.ceil(3 * blur))
    size_xy = np.array(canvas.shape[1::-1])
    start, stop = outline.min(axis=0) - reach, outline.max(axis=0) + reach
    x0, y0 = np.clip(np.floor(start), 0, size_xy).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(stop), 0, size_xy).astype(int).tolist()
    here = (slice(y0, y1), slice(x0, x1))
    if x0 >= x1 or y0 >= y1:
        return here, np.zeros((y1 - y0, x1 - x0), np.float32)
    per_pixel = float(np.sqrt(cover.width * cover.height / max(_area(outline), 1.0)))
    fine = min(4, max(2, round(per_pixel)))
    patch = shifted(x0, y0) @ np.diag([1 / fine, 1 / fine, 1])
    shown = looked_up(cover, np.linalg.inv(matrix) @ patch, (x1 - x0) * fine, (y1 - y0) * fine).reduce(fine)
    if blur:
        shown = shown.filter(ImageFilter.GaussianBlur(blur))
    share = np.asarray(shown, np.float32) / np.float32(255)
    canvas[here] += share[:, :, None] * (rgb - canvas[here])
    return here, share


def _area(quad: NDArray[np.float64]) -> float:
    (ax, ay), (bx, by) = quad[2] - quad[0], quad[3] - quad[1]
    return abs(float(ax * by - ay * bx)) / 2
