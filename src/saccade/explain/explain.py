"""Images, a method and a network: the files of an explanation."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image
from torch import nn

from saccade.errors import DataError
from saccade.explain import filters
from saccade.explain.confused import ClearError
from saccade.explain.layers import named_layers
from saccade.explain.methods import ON_IMAGES, TOP
from saccade.explain.options import Request
from saccade.explain.pictures import Floats, Panel, panels
from saccade.explain.subject import Piece, Subject
from saccade.explain.untouched import untouched
from saccade.files import write_json

Entries: TypeAlias = list[dict[str, Any]]

ABOUT = "about.json"
"""Says what the files in the folder of an explanation are; it is written last."""


@dataclass(frozen=True)
class Explained:
    """A finished explanation."""

    folder: Path
    about: dict[str, Any]  # what about.json holds

    @property
    def found(self) -> list[dict[str, Any]]:
        """An entry for each picture."""
        entries: list[dict[str, Any]] = self.about["found"]
        return entries

    @property
    def images(self) -> list[str]:
        """Those of which something was explained."""
        return list(dict.fromkeys(entry["image"] for entry in self.found if "image" in entry))

    @property
    def failures(self) -> list[dict[str, str]]:
        """``image`` and ``reason`` of those of which nothing could be explained."""
        found: list[dict[str, str]] = self.about["failures"]
        return found


def of_filters(network: nn.Module, request: Request) -> Iterator[Piece]:
    """The weights of each convolution, or of those that are asked for.

    Raises:
        ConfigError: no such convolution.
        DataError: the network has none, or one whose weights are no numbers.
    """
    options, all_of_them = request.options, filters.convolutions(network)
    if not all_of_them:
        raise DataError("the network has no convolution, so that there are no filters to draw")
    chosen = named_layers(network, request.layers, filters.CONVOLUTIONS) if request.layers else all_of_them
    for number, (name, layer) in enumerate(chosen.items()):
        weights = filters.kernels(layer)
        _require_numbers(name, weights.numpy())
        found = filters.sheet(
            weights, first=name == next(iter(all_of_them)), top=options.top or TOP, colours=options.colours
        )
        picture = panels([[Panel(found.picture, found.words, scale=found.scale)]], title=filters.told(name, weights))
        yield Piece(f"{number:03d}-{name}", picture, weights.numpy(), {"layer": name, **found.shown})


def explain(
    subject: Subject, files: Sequence[str], request: Request, folder: Path, *, facts: dict[str, Any]
) -> Explained:
    """Explain image files (or, by ``filters``, the network alone), and write pictures, numbers and ``about.json``.

    Args:
        subject: the network.
        files: images.
        request: method and settings.
        folder: of the run's explanations; the next number in ``folder/method`` is taken.
        facts: what else ``about.json`` says.

    Raises:
        ConfigError: a setting that does not hold, such as a class or a layer that there is not.
        DataError: nothing could be explained of any image.
    """
    with _finished(folder / request.method) as (aside, final), untouched(subject.network):
        found, failures, clear = Entries(), Entries(), Entries()
        if request.method == "filters":
            found = [_written(aside, piece, {}) for piece in of_filters(subject.network, request)]
        else:
            found, failures, clear = _of_images(subject, files, request, aside)
        about = {
            "method": request.method,
            "target": request.target,
            "layers": list(request.layers),
            "options": {key: value for key, value in vars(request.options).items() if value is not None},
            **facts,
            "found": found,
            "failures": failures,
            **({"clear": clear} if clear else {}),
        }
        write_json(aside / ABOUT, about)
    return Explained(final[0], about)


def _of_images(
    subject: Subject, files: Sequence[str], request: Request, folder: Path
) -> tuple[Entries, Entries, Entries]:
    """What was found, what could not be explained, and of which images the answer was clear."""
    found, failures, clear = Entries(), Entries(), list[tuple[float, dict[str, Any]]]()
    for number, file in enumerate(files):
        try:
            image = subject.read(file)
            pieces = ON_IMAGES[request.method](subject, image, request, f"{number:03d}-{_plain(Path(file).stem)}")
            for piece in pieces:
                _require_numbers(piece.about.get("layer", request.method), piece.values)
        except ClearError as error:
            clear.append((error.apart, {"image": file, "reason": str(error)}))
            continue
        except DataError as error:
            failures.append({"image": file, "reason": str(error)})
            continue
        size = [image.shape[2], image.shape[3]]
        found += [_written(folder, piece, {"image": file, "input": size}) for piece in pieces]
    if not found and clear:
        nearest = min(clear, key=lambda pair: pair[0])[1]
        raise DataError(f"no image is confused; the nearest to it is {nearest['image']}: {nearest['reason']}")
    if not found:
        raise DataError("\n".join(failed(each) for each in failures))
    return found, failures, [entry for _, entry in clear]


def failed(failure: Mapping[str, str]) -> str:
    """What is wrong with an image, with its name once."""
    image, reason = failure["image"], failure["reason"]
    return reason if reason.startswith(f"{image}: ") else f"{image}: {reason}"


def _written(folder: Path, piece: Piece, of_image: dict[str, Any]) -> dict[str, Any]:
    """The piece as files, and its entry in ``about.json``."""
    name = _plain(piece.name)
    Image.fromarray(piece.picture).save(folder / f"{name}.png", format="PNG")
    np.save(folder / f"{name}.npy", piece.values.astype(np.float32))
    entry = {**of_image, "picture": f"{name}.png", "numbers": f"{name}.npy", **piece.about}
    if piece.attention is None:
        return entry
    np.save(folder / f"{name}-attention.npy", piece.attention.astype(np.float32))
    axes = "targets, height, width of the grid of regions" if piece.attention.ndim == 3 else "targets, regions"
    return {**entry, "attention": {"numbers": f"{name}-attention.npy", "values": f"weights, of sum 1: {axes}"}}


def _require_numbers(what: str, values: Floats) -> None:
    """That all values are finite.

    Raises:
        DataError: they are not.
    """
    if not np.isfinite(values).all():
        raise DataError(
            f"{what}: its numbers are not finite (NaN or infinite): the training has diverged; another --checkpoint "
            "may be whole"
        )


@contextmanager
def _finished(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """A folder to write into, which gets the next free number in ``folder`` when all has been written.

    The list holds its place then; on an error nothing is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    aside, final = folder / f".{os.getpid()}.part", list[Path]()
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside, final
        final.append(_renamed(aside))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        for each in (folder, folder.parent):
            if not any(each.iterdir()):
                each.rmdir()


def _renamed(aside: Path) -> Path:
    """The folder under the next free number beside it."""
    taken = [int(path.name) for path in aside.parent.iterdir() if path.name.isdecimal()]
    number = max(taken, default=0) + 1
    while True:
        final = aside.with_name(f"{number:03d}")
        try:
            aside.rename(final)  # fails where another process has just taken the number
        except OSError:
            if not final.exists():
                raise
            number += 1
            continue
        return final


def _plain(name: str) -> str:
    """A name fit for a file on any system."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".-")[:80] or "image"
