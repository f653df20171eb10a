"""Pictures that a training leaves in the run folder."""

from __future__ import annotations

from PIL import Image

from saccade.draw.sheet import contact_sheet
from saccade.engine.resolve import Prepared
from saccade.files import written_aside
from saccade.runs import Run
from saccade.samples import SampleKey
from saccade.tasks.base import Task

MOST = 16
"""Images on the sheet."""


def first_batch(run: Run, prepared: Prepared, task: Task) -> None:
    """``figures/train_batch.png``: training images as the network sees them, changed by chance, with their targets.

    Of stored features there is no picture.

    Raises:
        DataError: one of them cannot be read.
    """
    if prepared.config.data.features.path is not None:
        return
    listing = prepared.listings["train"]
    dataset = task.dataset(listing, training=True)
    step = max(1, len(listing) // MOST)
    batch = task.collate([dataset[SampleKey(0, index)] for index in range(0, len(listing), step)[:MOST]])
    sheet = contact_sheet(*task.draw(batch))
    with written_aside(run.figures / "train_batch.png") as aside:
        Image.fromarray(sheet).save(aside, format="PNG")
