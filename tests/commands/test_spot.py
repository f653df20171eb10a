"""Text spotting from files to files: what is scored is what was found, and what ICDAR's evaluation would say of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from saccade.commands.evaluate import evaluate
from saccade.commands.predict import predict
from saccade.commands.resume import resume
from saccade.commands.train import train
from saccade.engine.module import Module
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores
from saccade.quads import CONVENTION
from saccade.runs import Run
from trees import word_tree

Saccade = Callable[..., Any]
SETTINGS = [
    "data.format=icdar",
    "data.image_size=96",
    "data.holdout=0.25",
    "data.normalize=imagenet",
    "task.min_side=4",
    "task.threshold=0.5",
    "task.min_score=0",
    "model.hidden=16",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return word_tree(tmp_path / "words")


@pytest.fixture
def trained(tmp_path: Path, root: Path) -> Callable[..., Run]:
    def start(*overrides: str, name: str = "run") -> Run:
        given = [f"data.root={root}", *SETTINGS, *overrides]
        return train("scenes-spot", given, runs=tmp_path / "runs", name=name)

    return start


def quads(lists: pl.Series) -> list[np.ndarray[Any, Any]]:
    return [np.array(of, dtype=np.float64).reshape(-1, 4, 2) for of in lists.to_list()]


@pytest.mark.parametrize("model", ["fots", "east"])
def test_every_number_is_that_of_what_was_found(
    trained: Callable[..., Run], saccade: Saccade, root: Path, model: str
) -> None:
    """Of the table, recomputed; of the archive, by `saccade score spotting`; and by `saccade evaluate` alone."""
    run = trained(f"model.name={model}", "task.threshold=0.4")  # an untrained network is not far from 0.5
    evaluation = run.evaluation("val")
    document, rows = evaluation.metrics(), evaluation.predictions()
    assert rows.columns[:4] == ["image", "target_quads_xy", "target_texts", "target_cared"]
    assert {"quads_xy", "texts", "scores", "score_png", "loss", "detection_hmean"} <= set(rows.columns)
    assert sum(map(len, rows["quads_xy"])) > 0
    assert evaluation.about()["pooling"].keys() == document["metrics"].keys()
    truths = [
        Truth(corners, tuple(texts), np.array(cared))
        for corners, texts, cared in zip(
            quads(rows["target_quads_xy"]), rows["target_texts"].to_list(), rows["target_cared"].to_list(), strict=True
        )
    ]
    reads = model == "fots"
    found = [
        Detections(corners, tuple(texts) if reads else None)
        for corners, texts in zip(quads(rows["quads_xy"]), rows["texts"].to_list(), strict=True)
    ]
    expected = spotting_scores(truths, found)
    names = ["detection", "end_to_end", "word_spotting"] if reads else ["detection"]
    for name in names:
        assert document[name] == expected.metrics[name]
        assert document["metrics"][f"{name}_hmean"] == expected.metrics[name]["hmean"]
        assert rows[f"{name}_hmean"].to_list() == pytest.approx(expected.per_image[name])
    assert ("cer" in document["metrics"]) == reads
    scored = saccade("score", "spotting", evaluation.path / "results.zip", root / "val_gts", "--json")
    assert scored.code == 0, scored.err
    said = json.loads(scored.out)
    assert {name: said[name] for name in names} == {name: document[name] for name in names}
    again = evaluate(run)
    assert again.metrics() == document
    assert again.predictions().equals(rows)


def test_what_stands_in_the_run_folder(trained: Callable[..., Run], root: Path) -> None:
    first = root / "train_gts" / "gt_img_1.txt"  # the images of the training are all but the holdout
    first.write_text(first.read_text(encoding="utf-8") + "1,1,30,1,30,11,1,11,É~\r\n", encoding="utf-8")
    run = trained("data.holdout=0", "trainer.monitor=loss")
    characters = json.loads((run.path / "alphabet.json").read_text())["characters"]
    texts = [
        line.split(",", 8)[8]
        for path in (root / "train_gts").iterdir()
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert characters == sorted(set("".join(text for text in texts if text != "###")))
    assert {"É", "~"} <= set(characters)
    kept = torch.load(run.checkpoints / "best.ckpt", weights_only=True)
    said = json.loads(kept["json"])["saccade"]
    assert said["outputs"] == characters
    assert said["conventions"] == {"quads": CONVENTION, "reach": 96.0}
    png = run.evaluation("val").predictions()["score_png"][0]
    assert png.startswith(b"\x89PNG")


def test_numbers_do_not_depend_on_batches_or_workers(trained: Callable[..., Run], root: Path) -> None:
    """Images of unlike sizes among them."""
    cut = root / "val_images" / "img_1.jpg"
    Image.open(cut).crop((0, 0, 101, 90)).save(cut, quality=95)
    run = trained("task.threshold=0.4")
    once = run.evaluation("val")
    again = evaluate(run, "loader.batch_size=2", "loader.workers=2")
    assert again.predictions()["texts"].to_list() == once.predictions()["texts"].to_list()
    assert again.predictions()["quads_xy"].to_list() == once.predictions()["quads_xy"].to_list()
    assert again.metrics()["metrics"] == pytest.approx(once.metrics()["metrics"], abs=1e-5)


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_bits_with_any_number_of_workers(
    trained: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ["trainer.max_epochs=2", "data.augment.longer_side=[90, 150]"]
    whole = trained(*settings)
    with monkeypatch.context() as patch:
        original = Module.training_step

        def stop(self: Module, batch: Any, batch_idx: int) -> Any:
            if self.current_epoch == 1:
                raise RuntimeError("the power failed")
            return original(self, batch, batch_idx)

        patch.setattr(Module, "training_step", stop)
        with pytest.raises(RuntimeError, match="the power failed"):
            trained(*settings, "loader.workers=2", name="stopped")
    resumed = resume(tmp_path / "runs" / "stopped" / "001")
    assert whole.metrics_file.read_text() == resumed.metrics_file.read_text()
    states = [torch.load(run.checkpoints / "last.ckpt", weights_only=True)["state_dict"] for run in (whole, resumed)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert whole.evaluation("val").predictions().equals(resumed.evaluation("val").predictions())


def test_files_are_answered_as_the_split_was(trained: Callable[..., Run], root: Path) -> None:
    run = trained("task.threshold=0.4")
    rows = run.evaluation("val").predictions()
    answers = predict(run.path, [str(root / image) for image in rows["image"]]).table
    assert answers["texts"].to_list() == rows["texts"].to_list()
    assert answers["quads_xy"].to_list() == rows["quads_xy"].to_list()
    found = 0
    for image, picture, quads in answers.select("image", "picture", "quads_xy").iter_rows():
        with Image.open(image) as plain, Image.open(run.path / "predictions" / picture) as shown:
            scale = -(-960 // max(plain.size))
            assert shown.size == (scale * plain.width, scale * plain.height)
            large = plain.convert("RGB").resize(shown.size, Image.Resampling.BICUBIC)
            changed = np.abs(np.asarray(shown, np.int16) - np.asarray(large)).max(axis=2) > 90
        assert changed.any() == bool(quads)
        found += len(quads)
    assert found > 0


def test_another_threshold_is_scored_in_a_folder_of_its_own(trained: Callable[..., Run]) -> None:
    run = trained()
    none = evaluate(run, "task.threshold=1")
    assert none.path.name == "val-threshold-1.0"
    small = evaluate(run, "data.longer_side=64")
    assert small.path.name == "val-longer_side-64"
    assert small.about()["longer_side"] == 64
    assert run.evaluation("val").about()["longer_side"] is None
    assert none.metrics()["detection"] == {"precision": 0.0, "recall": 0.0, "hmean": 0.0}
    assert run.evaluation("val").path.name == "val"


def test_a_lexicon_is_looked_for_before_anything_is_scored(trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained()
    with pytest.raises(DataError, match=r"task\.lexicon: .*nope\.txt is no file"):
        evaluate(run, f"task.lexicon={tmp_path / 'nope.txt'}")
    with pytest.raises(DataError, match=r"task\.lexicon: .* is no file"):
        evaluate(run, f"task.lexicon={tmp_path}")
    names = set()
    for word in "AB":
        (tmp_path / word).mkdir()
        (tmp_path / word / "Words.txt").write_text(f"{word}\n")
        names.add(evaluate(run, f"task.lexicon={tmp_path / word / 'Words.txt'}").path.name)
    assert len(names) == 2, "two files of one name"
    assert all(name.startswith("val-lexicon-words-") for name in names)


def test_weights_of_a_network_of_another_reach_are_refused(trained: Callable[..., Run]) -> None:
    first = trained(name="first")
    kept = [
        "model.head=keep",
        f"model.weights={first.checkpoints / 'best.ckpt'}",
        f"task.alphabet={first.path / 'alphabet.json'}",
    ]
    second = trained(*kept, "trainer.max_epochs=0", name="second")
    assert second.evaluation("val").metrics() == first.evaluation("val").metrics()
    with pytest.raises(CheckpointError, match=r"model\.reach: .* parts of 96 pixels.* parts of 200"):
        trained(*kept, "model.reach=200", name="third")
    with pytest.raises(CheckpointError, match=r"choose the model\.name, model\.encoder and model\.hidden that it was"):
        trained(*kept, "model.hidden=12", name="third")
    with pytest.raises(CheckpointError, match=r"is a checkpoint of a whole network.*set model\.head=keep"):
        trained(kept[1], name="third")
    finds = trained("model.name=east", name="finds")
    with pytest.raises(CheckpointError, match=r"of a network that does not read; set model\.name=east"):
        trained(kept[0], f"model.weights={finds.checkpoints / 'best.ckpt'}", name="third")


def test_what_was_set_right_is_told(saccade: Saccade, root: Path) -> None:
    path = root / "train_gts" / "gt_img_1.txt"
    path.write_text("10,10,10,40,60,40,60,10,TURNED\n")
    checked = saccade("data", "check", "scenes-spot", f"data.root={root}", "data.format=icdar")
    assert checked.code == 0, checked.out + checked.err
    assert "1 word with corners anticlockwise" in " ".join(checked.out.split())
    assert "cared for" in checked.out
    stats = saccade("data", "stats", "scenes-spot", f"data.root={root}", "data.format=icdar", "data.holdout=0.25")
    assert stats.code == 0, stats.err
    assert "letters" in stats.out


def test_mistakes(trained: Callable[..., Run], root: Path, tmp_path: Path) -> None:
    for override, error, message in (
        ("model.name=fotz", ConfigError, r"model\.name: no network that spots text"),
        ("model.encoder=resnt18", ConfigError, r"model\.encoder: no encoder is called 'resnt18'; did you mean"),
        ("model.hidden=3", ConfigError, r"model\.hidden: is 3.*; set 4 or more"),
        ("task.lexicon=nowhere.txt", DataError, r"task\.lexicon: .*nowhere\.txt"),
        ("task.alphabet=[AB]", ConfigError, r"task\.alphabet: found 'AB'"),
        ("data.augment.longer_side=[200, 100]", ConfigError, r"data\.augment\.longer_side .*: found \[200, 100\]"),
        ("data.format=coco", ConfigError, r"data\.format .*: is coco, and task\.name is spot, which reads icdar"),
        ("model.layers=2", ConfigError, r"model\.layers .*: is 2, which task\.name=spot does not know"),
    ):
        with pytest.raises(error, match=message):
            trained(override)
    path = root / "train_gts" / "gt_img_2.txt"
    path.write_text("1,2,3\n")
    with pytest.raises(DataError, match=r"gt_img_2\.txt:1"):
        trained()
