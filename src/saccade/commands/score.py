"""``saccade score captions``: coco-caption's numbers for any results file, without a run and without Java."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from saccade.console import say
from saccade.data.coco_captions import read_references, read_results
from saccade.data.wording import counted
from saccade.files import cache_folder
from saccade.metrics.captions.meteor import if_installed
from saccade.metrics.captions.results import paired
from saccade.metrics.captions.scores import CaptionScores, caption_scores


def score_captions(results: str | Path, references: str | Path, *, partial: bool = False) -> CaptionScores:
    """BLEU-1 to 4, METEOR, ROUGE-L and CIDEr-D of a COCO results file; METEOR where its tables are installed.

    Args:
        results: JSON, a list of ``{"image_id": ..., "caption": ...}``, one for each image.
        references: a COCO captions file with all captions of the same images.
        partial: images without a result are left out, also of what weighs words for CIDEr-D.

    Raises:
        DataError: a file that cannot be read, or images that do not match.
    """
    read = read_results(Path(results)), read_references(Path(references))
    found = paired(*read, partial=partial, name=str(results))
    empty = sum(not caption.strip() for caption in found.captions)
    if empty:
        say(f"{empty} of {len(found.captions)} captions are empty")
    return caption_scores(found.captions, found.references, meteor=if_installed(cache_folder(), say))


def score_table(found: CaptionScores) -> Table:
    """The numbers of all images."""
    table = Table("metric", "value", title=counted(found.n, "image"), title_justify="left")
    table.columns[1].justify = "right"
    for name, value in found.metrics.items():
        table.add_row(name, f"{value:.4f}")
    return table
