"""Progressive resizing: which size an epoch has."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.config.load import load
from saccade.samples import SampleKey
from saccade.tasks import labels
from trees import class_tree


@pytest.mark.parametrize(
    ("sizes", "epochs", "expected"),
    [
        ("[]", 3, [32, 32, 32]),
        ("[16]", 4, [16, 16, 32, 32]),
        ("[16, 24]", 6, [16, 16, 24, 24, 32, 32]),
        ("[16, 24]", 7, [16, 16, 24, 24, 32, 32, 32]),
        ("[16, 24]", 1, [32]),
    ],
)
def test_equally_many_epochs_of_each_size(tmp_path: Path, sizes: str, epochs: int, expected: list[int]) -> None:
    config = load(
        "folder-classify",
        [
            f"data.root={class_tree(tmp_path)}",
            "data.image_size=32",
            f"data.progressive={sizes}",
            f"trainer.max_epochs={epochs}",
            "data.classes=[blue, green, red]",
        ],
    )
    listing = labels.read(config, "train", many=False)
    training, scoring = (labels.dataset(config, listing, training=flag) for flag in (True, False))
    assert [training[SampleKey(epoch, 0)].image.shape[-1] for epoch in range(epochs)] == expected
    assert {scoring[SampleKey(epoch, 0)].image.shape[-1] for epoch in range(epochs)} == {32}
