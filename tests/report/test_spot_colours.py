"""The colours of outlines, as people see them to whom a kind of cone is missing.

Matrices: Machado, Oliveira and Fernandes 2009, table 1, severity 1.0. Distances in CIE 1976 L*a*b*, of which 2 to 3 can
be told apart side by side.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from saccade.report import write

STYLE = Path(write.__file__).parent / "templates" / "report.css"
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    """Linear RGB of ``rrggbb``."""
    values = np.array([int(colour[k : k + 2], 16) for k in (0, 2, 4)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """L*a*b* under D65."""
    x, y, z = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1)
    fx, fy, fz = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("eyes", SEEN)
def test_outlines_are_told_apart_by_their_colour_alone(eyes: str) -> None:
    colours = dict(re.findall(r"\.outlines \.o-(\w+) \{ stroke: #(\w{6})", STYLE.read_text(encoding="utf-8")))
    assert len(colours) == 5
    seen = {name: lab(np.array(SEEN[eyes]) @ linear(colour)) for name, colour in colours.items()}
    distances = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(seen, 2)}
    assert min(distances.values()) > 22, distances
