"""What the segment task lowers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.config.schema import Config
from saccade.samples import Batch, Learned
from saccade.tasks.segment import Segment

GENERATOR = torch.Generator().manual_seed(0)
LOGITS, EARLIER, COARSE = (torch.randn(2, 3, 4, 4, generator=GENERATOR) for _ in range(3))
TARGET = torch.randint(0, 3, (2, 4, 4), generator=GENERATOR).to(torch.uint8)
TARGET[0, :2] = 255  # void: the images do not weigh the same


def learned(*said: Tensor, **section: Any) -> Learned:
    """What a network that says this is told."""
    data = {"format": "masks", "root": "x", "classes": ("a", "b", "c")}
    config = Config.model_validate({"name": "x", "task": {"name": "segment", **section}, "data": data})
    batch = Batch(torch.arange(2), torch.zeros(2, 3, 4, 4), TARGET, size=torch.tensor([[4, 4], [4, 4]]))
    return Segment(config).learn(lambda _: said if len(said) > 1 else said[0], batch, epoch=0)


def test_earlier_answers_are_lowered_beside_the_last_one() -> None:
    """The curve of training shows the loss of the last one alone, as that of scoring does."""
    last, earlier, coarse = (F.cross_entropy(x, TARGET.long(), ignore_index=255) for x in (LOGITS, EARLIER, COARSE))
    found = learned(LOGITS, EARLIER, COARSE, auxiliary=0.3)
    torch.testing.assert_close(found.logits, LOGITS)
    torch.testing.assert_close(found.loss.mean(), last)
    torch.testing.assert_close(found.objective(), last + 0.3 * (earlier + coarse))


def test_one_answer() -> None:
    found = learned(LOGITS)
    assert found.beside is None
    torch.testing.assert_close(found.objective(), F.cross_entropy(LOGITS, TARGET.long(), ignore_index=255))
    torch.testing.assert_close(found.totals(), found.loss.total)
