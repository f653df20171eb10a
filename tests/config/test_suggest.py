"""The key that somebody may have meant."""

from __future__ import annotations

import pytest

from saccade.config.nodes import dotted
from saccade.config.shape import all_keys
from saccade.config.suggest import SYNONYMS, similar_keys


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("lr", ["optim.lr"]),
        ("epochs", ["trainer.max_epochs"]),
        ("trainer.epochs", ["trainer.max_epochs"]),
        ("trainer.max_epoch", ["trainer.max_epochs"]),
        ("learning-rate", ["optim.lr"]),
        ("Batch_Size", ["loader.batch_size"]),
        ("data.batch_size", ["loader.batch_size"]),
        ("batchsize", ["loader.batch_size"]),
        ("model.backbone", ["model.backbone_lr", "model.name"]),
        ("optimizer", ["optim.name"]),
        ("dat", ["data"]),
        ("data.crop", ["data.augment.crop"]),
        ("task.los", ["task.loss"]),
        ("top_k", ["task.top_k"]),
        ("data.augment.flips", ["data.augment.flip"]),
        ("qqqq", []),
        ("no.such.section", []),
    ],
)
def test_similar_keys(key: str, near: list[str]):
    assert similar_keys(tuple(key.split(".")), None) == near


def test_keys_of_another_task_are_not_offered():
    assert similar_keys(("top_k",), "multilabel") == []
    assert similar_keys(("top_k",), "classify") == ["task.top_k"]


def test_synonyms_name_keys_that_exist():
    assert set(SYNONYMS.values()) <= {"extends", *(dotted(key) for key in all_keys())}
    assert not set(SYNONYMS) & {dotted(key) for key in all_keys()}
