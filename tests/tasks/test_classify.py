"""What the classify task makes of its section: weights, losses, and the rule by which it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saccade.config.schema import Config
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.losses.classify import cross_entropy, focal
from saccade.samples import Batch, Prediction
from saccade.tasks.classify import Classify

LOGITS = torch.tensor([[0.0, 0.0], [1.0, -1.0], [-1.0, 1.0], [0.2, 0.0]])
BATCH = Batch(torch.arange(4), torch.zeros(4, 3, 8, 8), torch.tensor([0, 1, 1, 0]))
SCORES = Prediction(torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.2, 0.8]]))


def config(classes: tuple[str, ...] = ("cat", "dog"), **task: Any) -> Config:
    data = {"format": "folder", "root": "x", "classes": classes}
    return Config.model_validate({"name": "x", "task": {"name": "classify", **task}, "data": data})


def listing(*counts: int) -> Listing:
    targets = np.repeat(np.arange(len(counts)), counts)
    names = PathList(f"{i}.jpg" for i in range(len(targets)))
    return Listing(Path("x"), names, targets, ("cat", "dog", "owl")[: len(counts)])


def answers(task: Classify) -> list[str]:
    return task.answers(SCORES)["prediction"].to_list()


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({"class_weights": "none"}, None),
        # 210 / (2 * 200) and 210 / (2 * 10)
        ({"class_weights": "balanced"}, {"cat": 0.525, "dog": 10.5}),
        # 18.216875 to 1, with mean 1 over the images: 210 / (200 + 10 * 18.216875)
        ({"class_weights": "effective"}, {"cat": 0.549495, "dog": 10.010090}),
        ({"class_weights": "effective", "effective_beta": 0.0}, {"cat": 1.0, "dog": 1.0}),
        ({"class_weights": {"dog": 20.0}}, None),
    ],
)
def test_weights_from_the_counts_of_the_training_split(task: dict[str, Any], expected: dict[str, float] | None) -> None:
    found = Classify.resolve(config(**task), listing(200, 10))
    if expected is None:
        assert found == {}
    else:
        assert found["class_weights"] == pytest.approx(expected, abs=2e-6)
        Config.model_validate(config(**{**task, **found}).model_dump())  # stands in a config as it is


def test_the_loss_is_the_one_that_is_asked_for_with_its_weights() -> None:
    weights = torch.tensor([1.0, 20.0])
    for task, expected in (
        ({}, cross_entropy(LOGITS, BATCH.target)),
        ({"class_weights": {"dog": 20.0}}, cross_entropy(LOGITS, BATCH.target, class_weights=weights)),
        ({"loss": "focal"}, focal(LOGITS, BATCH.target, gamma=2.0)),
        (
            {"loss": "focal", "focal_gamma": 0.5, "class_weights": {"dog": 20.0}},
            focal(LOGITS, BATCH.target, gamma=0.5, class_weights=weights),
        ),
    ):
        torch.testing.assert_close(Classify(config(**task)).loss(LOGITS, BATCH), expected, rtol=0, atol=0)


def test_answers_by_the_highest_score_or_a_threshold() -> None:
    assert answers(Classify(config())) == ["cat", "cat", "cat", "dog"]
    assert answers(Classify(config(positive="dog"))) == ["cat", "cat", "cat", "dog"]
    assert answers(Classify(config(positive="dog", threshold=0.25))) == ["cat", "dog", "dog", "dog"]
    assert answers(Classify(config(positive="cat", threshold=0.8))) == ["cat", "dog", "dog", "dog"]


def test_hits_of_training_follow_the_answer_and_wait_for_a_threshold_of_the_holdout() -> None:
    sure = torch.softmax(LOGITS, 1)[:, 1]
    assert Classify(config()).hits(LOGITS, BATCH).tolist() == [1.0, 0.0, 1.0, 1.0]  # type: ignore[union-attr]
    hits = Classify(config(positive="dog", threshold=0.1)).hits(LOGITS, BATCH)
    assert hits is not None
    assert hits.tolist() == ((sure > 0.1) == (BATCH.target == 1)).float().tolist()
    assert Classify(config(positive="dog", threshold="holdout")).hits(LOGITS, BATCH) is None


def test_a_checkpoint_brings_its_threshold() -> None:
    task = Classify(config(positive="dog", threshold="holdout"))
    assert task.threshold is None
    assert task.deciding({"threshold": 0.25, "epoch": 3}).threshold == 0.25
    assert answers(task.deciding({"threshold": 0.25, "epoch": 3})) == ["cat", "dog", "dog", "dog"]
    with pytest.raises(CheckpointError, match=r"epoch 3 holds no threshold.*use the best checkpoint"):
        task.deciding({"threshold": None, "epoch": 3})
    given = Classify(config(positive="dog", threshold=0.5))
    assert given.deciding({"threshold": None}) is given


def test_the_class_in_question_chooses_the_epoch_by_its_ap() -> None:
    assert (Classify(config()).monitor, Classify(config()).headline) == ("accuracy", "accuracy")
    task = Classify(config(positive="dog"))
    assert (task.monitor, task.headline) == ("positive_ap", "AP of dog")
    assert list(task.pooling)[1:5] == ["positive_ap", "positive_precision", "positive_recall", "positive_f1"]


def test_a_class_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match=r"task\.positive: no class is called 'dgo'; the classes are cat, dog"):
        Classify(config(positive="dgo"))
    with pytest.raises(ConfigError, match="'dgo'"):
        Classify.check_selection(config(positive="dgo", threshold="holdout"), "holdout", listing(4, 2))


@pytest.mark.parametrize("threshold", [0.3, "holdout"])
def test_a_threshold_tells_two_classes_apart(threshold: float | str) -> None:
    three = config(("cat", "dog", "owl"), positive="dog", threshold=threshold)
    with pytest.raises(ConfigError, match=r"task\.threshold: is .* tells two classes apart, and there are 3"):
        Classify(three)


def test_a_split_without_the_class_chooses_no_threshold() -> None:
    task = config(positive="dog", threshold="holdout")
    Classify.check_selection(task, "holdout", listing(5, 1))
    with pytest.raises(DataError, match=r"none of the 5 images of the holdout split shows dog.*data\.holdout"):
        Classify.check_selection(task, "holdout", listing(5, 0))
    with pytest.raises(
        DataError, match=r"task\.positive: none of the 5 images of the holdout split shows dog.*monitor=loss"
    ):
        Classify.check_selection(config(positive="dog"), "holdout", listing(5, 0))
