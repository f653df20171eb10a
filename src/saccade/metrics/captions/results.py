"""Captions and references of the same images brought together by the images' ids."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from saccade.errors import DataError

Id = TypeVar("Id", bound=Hashable)


class Paired(NamedTuple):
    """Along all lists: the images, in the order of the results."""

    ids: list[Hashable]
    captions: list[str]
    references: list[list[str]]  # at least one of each image


def paired(
    results: Mapping[Id, str], references: Mapping[Id, Sequence[str]], *, partial: bool = False, name: str = "results"
) -> Paired:
    """Put the caption of each image of ``results`` beside its references, both by image id.

    ``partial``: images of ``references`` may be without a result; they are then not scored, and do not weigh words for
    CIDEr-D either. ``name``: what messages call the results, such as their file.

    Raises:
        DataError: there is no result, a result's image has no reference, or an image of the references no result.
    """
    if not results:
        raise DataError(f"{name}: there is no caption to score; a results file lists one for each image")
    alone = [image for image in results if not references.get(image)]
    if alone:
        raise DataError(
            f"{name}: {len(alone)} of {len(results)} images have no reference caption: {_named(alone)}; "
            f"{_advice(results, references)}"
        )
    missing = [image for image in references if image not in results]
    if missing and not partial:
        raise DataError(
            f"{name}: no caption for {len(missing)} of the {len(references)} images of the references: "
            f"{_named(missing)}; add them, or score the others alone with --partial"
        )
    return Paired(list(results), list(results.values()), [list(references[image]) for image in results])


def _named(ids: Sequence[Hashable], *, limit: int = 5) -> str:
    shown = ", ".join(repr(image) for image in ids[:limit])
    return shown if len(ids) <= limit else f"{shown}, and {len(ids) - limit} more"


def _advice(results: Collection[Hashable], references: Collection[Hashable]) -> str:
    """What is likely wrong where images of the results are not in the references."""
    if {str(image) for image in results} <= {str(image) for image in references} and not set(results) & set(references):
        return "one file writes its ids as numbers and the other in quotes: write them alike"
    return "give the references of the split that the captions are of"
