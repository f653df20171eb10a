"""A torchmetric that keeps a line of JSON for each image, until all are there.

For numbers that need the words of a whole split at once; there are never so many that they would not fit. Lines are
kept as bytes, which travel between processes like any tensor.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class LineMetric(Metric):
    """What is kept and how it is gathered; ``update`` and ``compute`` are the subclass's."""

    full_state_update = False
    is_differentiable = False
    lines: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("lines", default=[], dist_reduce_fx="cat")

    def keep(self, rows: Iterable[list[Any]]) -> None:
        """Add the rows of a batch: position in the split, and whatever JSON can hold of the image."""
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        self.lines.append(torch.from_numpy(np.frombuffer(text.encode(), dtype=np.uint8).copy()).to(self.device))

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the batches of all processes; one that had none takes part with an empty batch."""
        if not self.lines:
            self.lines.append(torch.zeros(0, dtype=torch.uint8, device=self.device))
        super().sync(*args, **kwargs)

    def rows(self) -> list[list[Any]]:
        """All rows, in the order of the split."""
        text = dim_zero_cat(self.lines).cpu().numpy().tobytes().decode() if len(self.lines) else ""
        return sorted((json.loads(line) for line in text.splitlines()), key=lambda row: int(row[0]))
