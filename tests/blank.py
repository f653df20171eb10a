"""What stands in for ``Figure.savefig`` where nobody looks at the figures: rendering takes half of a tiny training."""

from __future__ import annotations

from typing import Any

from PIL import Image


def savefig(_figure: Any, file: Any, *, format: str, **_options: Any) -> None:
    """A figure that has been composed is left blank."""
    if format == "svg":
        file.write('<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt" viewBox="0 0 9 9"></svg>')
    else:
        Image.new("RGB", (9, 9)).save(file, format)
