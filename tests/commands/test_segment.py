"""Segmentation from files to files: what is scored is what stands in the masks, at every size and in every view."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from saccade.commands.evaluate import evaluate
from saccade.commands.predict import predict
from saccade.commands.resume import resume
from saccade.commands.train import train
from saccade.errors import ConfigError, DataError
from saccade.metrics.segmentation import pixel_confusion
from saccade.runs import Evaluation, Run

SETTINGS = [
    "model.name=unet",
    "model.depth=2",
    "model.width=8",
    "data.image_size=[32,40]",
    "data.holdout=0.25",
    "data.augment.flip=0.5",
    "data.augment.rotate=10",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=2",
]


@pytest.fixture
def trained(tmp_path: Path, masks_on_disk: Path) -> Callable[..., Run]:
    def start(*overrides: str, name: str = "run") -> Run:
        given = [f"data.root={masks_on_disk}", *SETTINGS, *overrides]
        return train("voc2007-fcn", given, runs=tmp_path / "runs", name=name)

    return start


def stored(path: Path) -> NDArray[np.uint8]:
    """The ids in a palette PNG."""
    with Image.open(path) as image:
        assert image.mode == "P"
        return np.asarray(image)


def recounted(evaluation: Evaluation, root: Path, classes: int = 21) -> NDArray[np.int64]:
    """The confusion matrix of the files on disk."""
    pairs = evaluation.predictions().select("target", "mask").iter_rows()
    return sum(
        pixel_confusion(stored(root / target), stored(evaluation.path / mask), classes) for target, mask in pairs
    )  # type: ignore[return-value]


def test_what_was_scored_is_what_stands_in_the_masks(trained: Callable[..., Run], masks_on_disk: Path) -> None:
    run = trained()
    val = run.evaluation("val")
    document = val.metrics()
    assert document["classes"][:2] == ["background", "aeroplane"]
    assert document["confusion"] == recounted(val, masks_on_disk).tolist()
    rows = val.predictions()
    assert rows.columns == ["image", "target", "mask", "pixel_accuracy", "iou", "loss"]
    assert rows["mask"].to_list() == [f"masks/JPEGImages/val_{i:03d}.png" for i in range(6)]
    for image, mask in rows.select("image", "mask").iter_rows():
        with Image.open(masks_on_disk / image) as picture:
            assert stored(val.path / mask).shape == (picture.height, picture.width)
    # the numbers of one image, counted by hand
    target, said = stored(masks_on_disk / rows["target"][0]), stored(val.path / rows["mask"][0])
    valid = target != 255
    assert rows["pixel_accuracy"][0] == pytest.approx((target == said)[valid].mean())
    for c, iou in enumerate(rows["iou"][0]):
        union = ((target == c) | (said == c))[valid].sum()
        expected = None if union == 0 else ((target == c) & (said == c))[valid].sum() / union
        assert iou == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    "override",
    [
        [],
        pytest.param(["task.score_size=input"], marks=pytest.mark.slow),
        ["task.window=true"],
        pytest.param(["task.flip=true"], marks=pytest.mark.slow),
    ],
)
def test_predict_answers_what_evaluate_scored(
    trained: Callable[..., Run], masks_on_disk: Path, override: list[str]
) -> None:
    run = trained()
    val = evaluate(run, *override)
    names = val.predictions()["image"].to_list()
    answers = predict(run, [str(masks_on_disk / name) for name in names], *override)
    table = pl.read_parquet(answers.file)
    assert table.columns == ["image", "mask", "found", "share"]
    for predicted, scored in zip(table["mask"], val.predictions()["mask"], strict=True):
        assert (answers.file.parent / predicted).read_bytes() == (val.path / scored).read_bytes()
    mask = stored(answers.file.parent / table["mask"][0])
    assert sum(table["share"][0]) == pytest.approx(1.0)
    assert table["share"][0][int(mask[0, 0])] == pytest.approx((mask == mask[0, 0]).mean())


def test_void_as_background_is_scored_as_the_first_class(trained: Callable[..., Run], masks_on_disk: Path) -> None:
    ignored, counted = trained(), trained("data.void=background", name="counted")
    targets = [stored(masks_on_disk / "SegmentationClass" / f"val_{i:03d}.png") for i in range(6)]
    void = sum(int((target == 255).sum()) for target in targets)
    assert void > 0
    pixels = [np.sum(run.evaluation("val").metrics()["confusion"]) for run in (ignored, counted)]
    assert pixels == [sum(target.size for target in targets) - void, sum(target.size for target in targets)]
    assert counted.evaluation("val").metrics()["per_class"]["background"]["n_pixels"] == sum(
        int(np.isin(target, (0, 255)).sum()) for target in targets
    )
    assert counted.evaluation("val").about()["void"] == "background"


@pytest.mark.parametrize(
    ("override", "folder"),
    [("task.flip=true", "val-flip-true"), ("task.window=true", "val-window-true")],
)
@pytest.mark.slow
def test_other_views_are_scored_in_folders_of_their_own(
    trained: Callable[..., Run], masks_on_disk: Path, override: str, folder: str
) -> None:
    run = trained()
    before = run.evaluation("val").metrics()
    evaluation = evaluate(run, override)
    assert evaluation.name == folder
    assert evaluation.metrics()["confusion"] == recounted(evaluation, masks_on_disk).tolist()
    assert evaluation.metrics() != before
    assert run.evaluation("val").metrics() == before


def test_at_the_size_of_the_input_the_mask_is_resized(trained: Callable[..., Run]) -> None:
    run = trained()
    evaluation = evaluate(run, "task.score_size=input")
    assert evaluation.name == "val-score_size-input"
    assert {stored(evaluation.path / mask).shape for mask in evaluation.predictions()["mask"]} == {(32, 40)}
    void = 6 * 32 * 40 - np.sum(evaluation.metrics()["confusion"])
    assert 0 < void < 0.2 * 6 * 32 * 40


def test_numbers_do_not_depend_on_the_size_of_batches_or_workers(trained: Callable[..., Run]) -> None:
    run = trained()
    once = run.evaluation("val").metrics()
    again = evaluate(run, "loader.batch_size=1", "loader.workers=2").metrics()
    assert again["confusion"] == once["confusion"]
    assert again["metrics"]["loss"] == pytest.approx(once["metrics"]["loss"], rel=1e-5)


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_bits(trained: Callable[..., Run]) -> None:
    whole = trained("optim.schedule=constant", name="whole")
    part = trained("optim.schedule=constant", "trainer.max_epochs=1", name="part")
    resumed = resume(part.path, ["trainer.max_epochs=2"])
    assert resumed.epochs() == whole.epochs()


def test_weights_measured_over_pixels_stand_in_the_config(trained: Callable[..., Run]) -> None:
    run = trained("task.class_weights=median", "data.holdout=0", "trainer.max_epochs=1")
    weights: dict[str, float] = __import__("yaml").safe_load(run.config_file.read_text())["task"]["class_weights"]
    assert weights["aeroplane"] == 1.0  # not there: nothing to weigh
    assert weights["background"] < weights["bird"]


@pytest.mark.slow
def test_the_auxiliary_answer_is_learned_and_never_scored(trained: Callable[..., Run]) -> None:
    glance = ("model.name=glance", "model.depth=4", "model.width=null", "trainer.max_epochs=1")
    with_it, without = trained(*glance), trained(*glance, "task.auxiliary=0", name="without")
    states = [torch.load(run.checkpoints / "last.ckpt", weights_only=True)["state_dict"] for run in (with_it, without)]
    assert not torch.equal(*(v for state in states for k, v in state.items() if k.endswith("glance_head.weight")))
    loss = without.evaluation("val").metrics()["metrics"]["loss"]
    assert evaluate(without, "loader.batch_size=3").metrics()["metrics"]["loss"] == pytest.approx(loss, rel=1e-5)


@pytest.mark.slow
def test_weights_of_another_run_are_taken_over_with_their_head(trained: Callable[..., Run]) -> None:
    run = trained()
    weights = f"model.weights={run.checkpoints / 'best.ckpt'}"
    kept = trained(weights, "model.head=keep", "trainer.max_epochs=0", name="kept")
    assert kept.evaluation("val").metrics()["confusion"] == run.evaluation("val").metrics()["confusion"]
    fresh = trained(weights, "trainer.max_epochs=0", name="fresh")
    assert fresh.evaluation("val").metrics()["confusion"] != run.evaluation("val").metrics()["confusion"]


@pytest.mark.slow
def test_images_are_learned_by_heart_at_the_size_of_their_masks(trained: Callable[..., Run]) -> None:
    run = trained("trainer.overfit_batches=1", "trainer.max_epochs=40", "optim.lr=0.01")
    losses = [row["train"]["loss"] for row in run.epochs()]
    assert losses[-1] < 0.3 * losses[0]
    assert run.environment()["data"]["splits"]["train"]["n"] == 4


@pytest.mark.slow
def test_a_frozen_encoder_keeps_its_weights(trained: Callable[..., Run]) -> None:
    encoder = ("model.name=smp_fpn", "model.encoder=resnet18", "model.depth=4", "model.width=null")
    settings = (*encoder, "model.freeze=backbone", "data.augment.flip=0", "data.augment.rotate=0")
    one, two = (trained(*settings, f"trainer.max_epochs={n}", name=f"epochs{n}") for n in (1, 2))
    states = [torch.load(run.checkpoints / "last.ckpt", weights_only=True)["state_dict"] for run in (one, two)]
    differ = {key for key in states[0] if not torch.equal(states[0][key], states[1][key])}
    assert differ
    assert not any(".encoder." in key for key in differ)


def test_masks_of_one_class_are_refused(trained: Callable[..., Run], masks_on_disk: Path) -> None:
    for path in (masks_on_disk / "SegmentationClass").iterdir():
        Image.fromarray(np.zeros_like(stored(path))).save(path)
    with pytest.raises(DataError, match=r"1 of the 21 classes .* has training images"):
        trained()


def test_the_colours_in_which_classes_are_shown_do_not_tell_how_masks_are_read(
    trained: Callable[..., Run], masks_on_disk: Path
) -> None:
    run = trained("data.palette={background: [9, 8, 7]}", "trainer.max_epochs=0")
    about = run.evaluation("val").about()
    assert about["coding"]["colours"] is None
    assert about["colours"][0] == [9, 8, 7]
    Image.fromarray(np.zeros((37, 45, 3), dtype=np.uint8)).save(masks_on_disk / "SegmentationClass/val_000.png")
    with pytest.raises(DataError, match=r"val_000\.png: cannot be read as a mask \(it is in colour"):
        evaluate(run)


def test_a_stray_id_stops_before_anything_is_learned(trained: Callable[..., Run], masks_on_disk: Path) -> None:
    path = masks_on_disk / "SegmentationClass" / "train_003.png"
    mask = stored(path).copy()
    mask[0, 0] = 77
    Image.fromarray(mask).save(path)
    with pytest.raises(DataError, match=r"train_003\.png: id 77 in 1 pixel stands for no class"):
        trained()


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("data.augment.mixup=0.2", "data.augment.mixup (command line): is 0.2, which task.name=segment does not know"),
        ("data.folds=3", "data.folds (command line): is 3, which task.name=segment does not know"),
        (
            "data.format=folder",
            "data.format (command line): is folder, and task.name is segment, which reads voc, masks or scenes",
        ),
        ("task.loss=dice task.label_smoothing=0.1", "task.label_smoothing (command line): is 0.1, which cross_entropy"),
        ("task.loss=jaccard task.class_weights=median", "task.class_weights (command line): is set, and weighs pixels"),
        ("task.window=true task.score_size=input", "task.window (command line): is true, and windows show"),
        ("model.drop_rate=0.2", "model.drop_rate (command line): is 0.2, which task.name=segment does not know"),
        ("model.name=resnet18", "no segmentation network is called 'resnet18'"),
        ("task.class_weights={bicicle: 2}", "no class is called 'bicicle'"),
    ],
)
def test_mistakes(trained: Callable[..., Run], override: str, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        trained(*override.replace(" task.", "|task.").split("|"))
    assert text in str(error.value)


def test_images_and_masks_in_folders(tmp_path: Path, masks_on_disk: Path) -> None:
    root: Any = tmp_path / "pairs"
    for split in ("train", "val"):
        for folder, source, suffix in (("images", "JPEGImages", ".jpg"), ("masks", "SegmentationClass", ".png")):
            (root / folder / split).mkdir(parents=True)
            for path in sorted((masks_on_disk / source).glob(f"{split}_*{suffix}")):
                (root / folder / split / path.name).write_bytes(path.read_bytes())
    names = "[" + ", ".join(f"c{i}" for i in range(21)) + "]"
    run = train(
        "voc2007-fcn",
        [f"data.root={root}", "data.format=masks", f"data.classes={names}", *SETTINGS, "trainer.max_epochs=1"],
        runs=tmp_path / "runs",
    )
    assert run.evaluation("val").metrics()["confusion"] == recounted(run.evaluation("val"), root).tolist()
