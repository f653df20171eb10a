"""In whatever batches, orders and processes captions come, the numbers are those of all in order, to the last bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from saccade.metrics.captions.scores import caption_scores
from saccade.metrics.scores import Scores
from saccade.metrics.stateful_caption import CaptionMetrics

CAPTIONS = (
    "a cat is on the mat",
    "",
    "two dogs run on grass",
    "a man on a wave",
    "caf\u00e9 \u65e5\u672c \U0001f600 1\xa01/2",
    'a "sign"\\n\u2028that says\x85 \x0c[1, "x"]\n',
    "a a a a",
)
REFERENCES = (
    ("a cat sits on the mat", "there is a cat on the mat"),
    ("nothing at all",),
    ("two dogs run in the grass", "dogs running on grass", "dogs on the grass"),
    ("a man rides a wave", "a surfer on a big wave in the sea"),
    ("a caf\u00e9 in \u65e5\u672c", "1 1/2 caf\u00e9s \U0001f600"),
    ("a sign\u2028that says [1, x]", 'a "sign"\nthat is old'),
    ("a", "a cat"),
)
N = len(CAPTIONS)


def lengths(captions: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, Sequence[float]]:
    """Stands for METEOR: the share of words that a caption has of its longest reference."""
    each = [
        len(caption.split()) / max(len(text.split()) for text in texts)
        for caption, texts in zip(captions, references, strict=True)
    ]
    return sum(each) / len(each), each


def add(metric: CaptionMetrics, rows: Sequence[int]) -> None:
    metric.update(torch.tensor(rows), [CAPTIONS[i] for i in rows], [REFERENCES[i] for i in rows])


def expected(meteor: bool = False) -> Scores:
    found = caption_scores(CAPTIONS, REFERENCES, meteor=lengths if meteor else None)
    return Scores(found.metrics, {}, per_image=found.per_image)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [[N], [1] * N, [3, 0, 4]])
def test_batches_and_their_order_do_not_matter_to_the_last_bit(seed: int, sizes: list[int]) -> None:
    metric = CaptionMetrics(lambda: lengths)
    for rows in np.split(np.random.default_rng(seed).permutation(N), np.cumsum(sizes)[:-1]):
        add(metric, rows.tolist())
    assert metric.compute() == expected(meteor=True)


@pytest.mark.parametrize("shares", [([0, 2, 4, 6], [1, 3, 5]), ([], list(range(N)))])
def test_processes_are_put_together_to_the_last_bit(shares: tuple[list[int], list[int]]) -> None:
    """As torchmetrics does it: what each process gathered lies behind one another, whatever its length."""
    mine, others = shares
    other = CaptionMetrics()
    add(other, others)

    def gathered(tensor: torch.Tensor, group: object = None) -> list[torch.Tensor]:
        return [tensor, *other.lines]

    metric = CaptionMetrics(dist_sync_fn=gathered, distributed_available_fn=lambda: True)
    for row in mine:
        add(metric, [row])
    assert metric.compute() == expected()
    assert len(metric.lines) == max(len(mine), 1)  # its own again


def test_nothing_is_undefined_and_starts_anew() -> None:
    metric = CaptionMetrics(lambda: pytest.fail("there is nothing to score"))
    with pytest.warns(UserWarning, match="before the ``update`` method"):
        assert metric.compute() == Scores(
            dict.fromkeys(("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider")), {}, per_image={}
        )
    metric = CaptionMetrics()
    add(metric, [0, 1])
    metric.reset()
    add(metric, list(range(N)))
    assert metric.compute() == expected()


def test_one_empty_caption_is_scored() -> None:
    metric = CaptionMetrics()
    add(metric, [1])
    found = metric.compute()
    assert {name: value for name, value in found.metrics.items() if value} == {}
    assert found.per_image is not None
    assert {len(values) for values in found.per_image.values()} == {1}


def test_meteor_is_looked_for_when_numbers_are_wanted() -> None:
    """Its tables take long to read, and a prediction needs none."""
    asked = []

    def find() -> None:
        asked.append(1)

    metric = CaptionMetrics(find)
    add(metric, [0])
    assert asked == []
    assert "meteor" not in metric.compute().metrics
    assert asked == [1]
