"""Fixtures that several rooms share."""

from __future__ import annotations

import os
import sys

# Two test processes on two cores: one thread each, or they wait for each other. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blank import savefig
from trees import class_tree, mask_tree, voc_tree


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What commands keep in the user's cache goes elsewhere, to one place for all processes of the tests.

    METEOR's index of paraphrases, ten seconds of work, is then made once.
    """
    folder = tmp_path_factory.getbasetemp()
    whole = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    os.environ["SACCADE_CACHE"] = str(whole / "cache")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data sets; the test skips where there is none."""
    place = os.environ.get("SACCADE_DATA") or Path(__file__).parents[2] / "shared" / "data"
    folder = Path(place).absolute()
    if not folder.is_dir():
        pytest.skip(f"no real data: SACCADE_DATA is not set or {folder} is no folder")
    return folder


@pytest.fixture
def jpeg() -> Callable[..., Path]:
    """``jpeg(path, seed=0, size=(8, 8))`` writes a JPEG of noise, with its folders, and returns the path."""

    def write(path: Path, seed: int = 0, size: tuple[int, int] = (8, 8)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, "JPEG", quality=95)
        return path

    return write


@pytest.fixture
def classes_on_disk(tmp_path: Path) -> Path:
    """A tree of 12 training and 6 validation images in folders of three classes."""
    return class_tree(tmp_path / "classes")


@pytest.fixture
def voc_on_disk(tmp_path: Path) -> Path:
    """A VOC tree of 12 training and 6 validation images of three classes; some are difficult in red."""
    return voc_tree(tmp_path / "voc")


@pytest.fixture
def masks_on_disk(tmp_path: Path) -> Path:
    """12 training and 6 validation images of unlike sizes with masks of VOC's 21 classes."""
    return mask_tree(tmp_path / "masks")


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are composed and then left blank; tests/report looks at them."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)


@dataclass(frozen=True)
class Said:
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def saccade(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """``saccade("train", "x")`` runs the program in this process as the shell would."""

    def run(*arguments: str | Path) -> Said:
        from saccade.cli import main

        monkeypatch.setattr(sys, "argv", ["saccade", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else 0 if exit.code is None else 1
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run
