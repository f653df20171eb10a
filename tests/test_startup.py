"""Commands that need no torch do not import it. How long they take is measured in bench/startup.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "lightning", "timm", "torchmetrics", "matplotlib", "polars", "fastapi", "numpy")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["summary", "--help"],
        ["summary", "voc-multilabel", "model.nmae=x"],
        ["data", "prepare", "--help"],
        ["data", "fetch", "--help"],
        ["data", "features", "--help"],
        ["presets"],
        ["presets", "voc-multilabel"],
        ["config", "check", "voc-multilabel", "data.root=x"],
        ["config", "show", "scenes-multilabel"],
        ["config", "schema"],
        ["train", "voc-multilabel", "model.nmae=x"],
        ["train", "voc-multilabel", "data.root=not/there"],
    ],
)
def test_answers_without_what_is_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; from saccade.cli import main; sys.argv = ['saccade', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_import_saccade_is_quick_and_finds_commands_later() -> None:
    program = (
        f"import sys, saccade; print([name for name in {HEAVY} if name in sys.modules])\n"
        "import saccade.api, saccade.report.write  # whose rooms are called as commands are\n"
        "assert callable(saccade.train) and callable(saccade.browse) and callable(saccade.report)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
