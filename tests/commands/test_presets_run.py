"""Every preset through every command, on a dozen tiny images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from saccade.config import preset_names
from saccade.config.load import load
from saccade.data import coco_captions
from saccade.data.feature_writer import FeatureWriter
from saccade.runs import Run
from saccade.tasks.image_features import recipe
from trees import caption_tree, class_tree, mask_tree, picture, voc_tree, word_tree

SMALL = [
    "model.pretrained=false",
    "data.image_size=32",
    "data.holdout=0.25",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "trainer.max_time=null",
    "trainer.precision=32",
]

MASKS = ("scenes-segment",)
LABELS = ("scenes-multilabel", "voc-multilabel", "folder-classify", "table-classify")
CAPTIONS = ("scenes-caption",)
SPOT = ("scenes-spot",)
"""Presets that go through every command: each task and format of data, and what else is their own."""
DEEP = ("imagenet-resnet34", "imagenet-resnet50", "imagenet-resnet101", "imagenet-resnet152", "imagenet-modern")
"""Large networks, whose checkpoints take up to half a gigabyte: trained once."""
LARGE = (
    *DEEP[:-1],
    "voc2007-resnet34",
    "voc2007-unet",
    "voc2007-fcn-augment",
    "voc2007-fcn-cosine",
    "voc2007-fcn-weighted",
    "imagenet-resnet18",
    "imagewoof-resnet18",
    "cats-dogs-weighted",
    "dogs-transfer",
    "table-multilabel",
    "coco-caption-rnn",
    "coco-caption-gru",
    "coco-caption-lstm",
    "coco-caption-updown",
    "icdar-fots",
    "icdar-east",
    "sroie-fots",
    "table-classify",
    "voc-multilabel",
    "voc-multilabel-ws",
    "folder-classify",
    "coco-caption-attention",
    "coco-caption-transformer",
    "icdar-fots-rt",
    "cats-dogs",
)
"""In `make test-slow` alone."""
ALIKE = tuple(name for name in preset_names() if name not in (*MASKS, *LABELS, *CAPTIONS, *SPOT, *DEEP))
"""Differ from others in network and settings alone: trained once."""


def slowly(names: Iterable[str], slow: Iterable[str]) -> list[Any]:
    """Presets for a test; some of them in `make test-slow` alone."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in slow else name for name in names]


def tiny_data(preset: str, root: Path) -> list[str]:
    """A data set for the preset and the settings that point to it."""
    if preset.startswith("cats-dogs"):
        class_tree(root)
        for colour, name in {"blue": "cat", "red": "dog"}.items():
            for split in ("train", "val"):
                (root / split / colour).rename(root / split / name)
                shutil.rmtree(root / split / "green", ignore_errors=True)
        return [f"data.root={root}"]
    if load(preset).task.name == "segment" and load(preset).data.format == "voc":
        # a U-Net of four levels halves 32 pixels to 2; sizes of training images are those of scoring
        return [f"data.root={mask_tree(root)}", "data.augment.size=null"]
    if load(preset).data.format == "coco":
        splits = ["data.train=train", "data.val=val"]
        return [f"data.root={caption_tree(root)}", *splits, "data.features.path=null", "model.encoder=small_cnn"]
    match load(preset).data.format:
        case "voc" | "folder" as layout:
            return [f"data.root={voc_tree(root) if layout == 'voc' else class_tree(root)}"]
        case "icdar":
            return [f"data.root={word_tree(root)}", "data.val=val"]
        case "scenes":
            # a word takes more pixels than a shape
            size, train, val = (112, 8, 3) if load(preset).task.name == "spot" else (32, 24, 8)
            numbers = {"train": train, "val": val, "size": size}
            return [f"data.root={root}", *(f"data.scenes.{key}={value}" for key, value in numbers.items())]
        case "table":
            class_tree(root)
            rows = [(str(p.relative_to(root)), p.parent.name) for p in sorted(root.rglob("*.png"))]
            labels = load(preset).data.label_columns[0]
            pl.DataFrame(rows, schema=["image", labels], orient="row").write_csv(root / "labels.csv")
            return [f"data.root={root}", "data.val_fraction=0.34"]


def tiny_settings(preset: str, root: Path) -> list[str]:
    """All that makes a preset small."""
    settings = [*tiny_data(preset, root), *SMALL]
    if load(preset).task.name == "spot":
        # squares of one size, which are large enough for a word
        settings += ["data.image_size=96", "data.longer_side=null", "data.augment.longer_side=null"]
        settings.append("trainer.check_val_every_n_epoch=1")
    return settings


def stored(root: Path, preset: str) -> list[str]:
    """Settings by which a preset for captions learns from features of the images in ``root``, as if computed before."""
    settings = [f"data.features.path={root.with_name('features')}"]
    config = load(preset, settings)
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        names = list(coco_captions.read(root, split).images)
        path, shape = root.with_name("features") / f"{split}.npy", (config.data.features.regions, 2048)
        with FeatureWriter(path, names, shape, made=recipe(config), boxes=True) as writer:
            boxes = np.tile([0.1, 0.2, 0.8, 0.9], (len(names), shape[0], 1))
            writer.write(rng.random((len(names), *shape)), boxes)
    return settings


@pytest.mark.figures
@pytest.mark.usefixtures("without_meteor")
@pytest.mark.parametrize("preset", slowly((*MASKS, *LABELS, *CAPTIONS, *SPOT, *ALIKE), (*ALIKE, *LARGE)))
def test_every_command(
    preset: str, tmp_path: Path, saccade: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    settings = tiny_settings(preset, tmp_path / "data")

    trained = saccade("train", preset, *settings, "--runs", tmp_path / "runs")
    assert trained.code == 0, trained.err
    folder = Path(trained.out.splitlines()[-1])
    run = Run.open(folder)
    assert folder == tmp_path / "runs" / preset / "001"
    captions, words = (load(preset).task.name == name for name in ("caption", "spot"))
    assert {p.name for p in folder.iterdir() if not p.name.startswith(".")} == {
        *(["vocabulary.json"] if captions else ["alphabet.json"] if words else []),
        "config.yaml",
        "environment.json",
        "metrics.jsonl",
        "checkpoints",
        "evaluation",
        "figures",
        "report.html",
    }
    assert [row["epoch"] for row in run.epochs()] == [1]
    request.getfixturevalue("blank_figures")  # they have been rendered once
    scored = run.evaluation("val").metrics()
    assert scored["n"] == run.evaluation("val").predictions().height > 0

    evaluated = saccade("evaluate", folder, "--json")
    assert evaluated.code == 0, evaluated.err
    assert json.loads(evaluated.out) == scored
    on_train = saccade("evaluate", folder, "--split", "train", "--checkpoint", "last")
    assert on_train.code == 0, on_train.err
    assert run.evaluation("train-last").metrics()["n"] == run.environment()["data"]["splits"]["train"]["n"]

    picture(["red"], 1).save(tmp_path / "a.jpg")
    predicted = saccade("predict", folder, tmp_path / "a.jpg")
    assert predicted.code == 0, predicted.err
    found = pl.read_parquet(predicted.out.splitlines()[-1])
    assert found["image"].to_list() == [str(tmp_path / "a.jpg")]
    if captions:
        assert found.columns == ["image", "caption", "attention"]
    elif words:
        assert found.columns == ["image", "quads_xy", "texts", "scores", "picture"]
    else:
        numbers = found["share" if "mask" in found.columns else "scores"]
        assert len(numbers[0]) == len(scored["classes"])

    reported = saccade("report", folder)
    assert reported.code == 0, reported.err
    assert Path(reported.out.strip()) == folder / "report.html"

    again = saccade("train", folder / "config.yaml", "--runs", tmp_path / "runs")
    assert again.code == 0, again.err
    other = Run.open(tmp_path / "runs" / preset / "002")
    assert other.metrics_file.read_text() == run.metrics_file.read_text()

    stats = saccade("data", "stats", preset, *settings)
    assert stats.code == 0, stats.err
    assert "mean [" in stats.out


@pytest.mark.parametrize("preset", slowly(ALIKE, LARGE))
def test_trains(preset: str, tmp_path: Path, saccade: Callable[..., Any]) -> None:
    settings = tiny_settings(preset, tmp_path / "data")
    if load(preset).task.name == "segment":
        settings.append("data.image_size=64")
    if load(preset).task.name == "caption":
        settings += stored(tmp_path / "data", preset)
    trained = saccade("train", preset, *settings, "--runs", tmp_path / "runs")
    assert trained.code == 0, trained.err
    run = Run.open(trained.out.splitlines()[-1])
    assert run.evaluation("val").metrics()["n"] == run.evaluation("val").predictions().height > 0
    assert run.environment()["model"]["name"] == load(preset).model.name
    shutil.rmtree(run.checkpoints)


@pytest.mark.parametrize("preset", slowly(DEEP, DEEP))
def test_deep_networks_train(preset: str, tmp_path: Path, saccade: Callable[..., Any]) -> None:
    # two steps are too few for the running statistics of 50 blocks, unless the blocks begin as their shortcuts
    settings = [*tiny_data(preset, tmp_path / "data"), *SMALL, "model.zero_init_last=true", "optim.momentum=0"]
    trained = saccade("train", preset, *settings, "--runs", tmp_path / "runs")
    assert trained.code == 0, trained.err
    run = Run.open(trained.out.splitlines()[-1])
    assert run.epochs()[0]["train"]["loss"] > 0
    assert run.environment()["model"]["name"] == load(preset).model.name
    assert load(run.config_file).optim == load(preset, settings).optim
    assert run.evaluation("val").predictions().height == 6
    shutil.rmtree(run.checkpoints)


def test_data_check_of_each_format(tmp_path: Path, saccade: Callable[..., Any]) -> None:
    for preset in ("voc-multilabel", "folder-classify", "scenes-multilabel"):
        checked = saccade("data", "check", preset, *tiny_data(preset, tmp_path / preset))
        assert checked.code == 0, checked.out + checked.err
        assert checked.out.endswith("nothing wrong was found\n")
