"""Tasks, batches, and networks that know the answers, for tests of finding and reading words in drawn scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saccade.config.schema import Config
from saccade.data.spot_targets import GEOMETRY, SCORE
from saccade.nn.spot_network import Spotted
from saccade.samples import Batch, SampleKey
from saccade.tasks.spot import Spot

SIZE = 128


def settings(root: Path, *, data: dict[str, Any] | None = None, model: str = "fots", **task: Any) -> Config:
    return Config.model_validate(
        {
            "name": "x",
            "task": {"name": "spot", "min_side": 4, **task},
            "data": {"format": "icdar", "root": root, "image_size": 96, "longer_side": 160, **(data or {})},
            "model": {"name": model, "encoder": "small_spot", "hidden": 8},
        }
    )


def task_of(root: Path, **more: Any) -> Spot:
    """With the alphabet of the training split."""
    config = settings(root, **more)
    return Spot(
        config.model_copy(
            update={"task": config.task.model_copy(update=dict(Spot.resolve(config, Spot.read(config, "train"))))}
        )
    )


def batch_of(task: Spot, root: Path, indices: list[int], *, training: bool = False) -> Batch:
    dataset = task.dataset(Spot.read(task.config, "train"), training=training)
    return task.collate([dataset[SampleKey(0, i)] for i in indices])


def true_maps(batch: Batch) -> Spotted:
    """What a network would say that has learned the targets of its images by heart."""
    score = torch.where(batch.target[:, SCORE, None] > 0, 9.0, -9.0)
    return Spotted(torch.zeros(len(score), 32, *score.shape[2:]), score, batch.target[:, GEOMETRY].clone())


class Heart:
    """A network that knows its images by heart, whichever of them it is shown."""

    def __init__(self, batch: Batch) -> None:
        assert batch.size is not None
        self.batch, self.maps = batch, true_maps(batch)

    def __call__(self, image: Tensor) -> Spotted:
        height, width = (-(-side // 4) for side in image.shape[2:])
        rows = [
            next(
                i
                for i, known in enumerate(self.batch.image)
                if torch.equal(known[:, : one.shape[1], : one.shape[2]], one)
            )
            for one in image
        ]
        return Spotted(*(part[rows][..., :height, :width] for part in self.maps[:3]))


class Asked(Spotted):
    """True maps, and a note of where it is asked to read; every word is a single blank."""

    @classmethod
    def of(cls, batch: Batch, characters: int) -> Asked:
        found = cls(*true_maps(batch)[:3])
        found.characters, found.quads = characters, ()
        return found

    characters: int
    quads: Sequence[Tensor]
    max_width: int

    def read(self, quads: Sequence[Tensor], *, max_width: int = 0) -> tuple[Tensor, Tensor]:
        self.quads, self.max_width = quads, max_width
        n = sum(map(len, quads))
        return torch.zeros(n, 9, self.characters + 1).log_softmax(dim=2), torch.arange(n) % 3 + 7
