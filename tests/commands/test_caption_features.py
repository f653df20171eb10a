"""Stored features from files to files: what a network learned from is what it is scored on and asked with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import yaml
from PIL import Image

from detectors import Planted
from saccade.commands.evaluate import evaluate
from saccade.commands.predict import predict
from saccade.commands.train import train
from saccade.data.feature_writer import FeatureWriter
from saccade.errors import ConfigError, DataError
from saccade.nn.detector_features import DetectorFeatures
from saccade.runs import Run
from saccade.tasks import image_features
from saccade.tasks.image_features import ImageFeatures
from trees import caption_tree

Train = Callable[..., Run]
SETTINGS = [
    *("task.min_count=1", "task.max_length=6", "data.format=coco", "data.holdout=0.25", "data.normalize=imagenet"),
    *("model.name=attention", "model.layers=null", "task.concepts=0", "model.embedding=8", "model.hidden=16"),
    *("loader.batch_size=4", "loader.workers=0", "trainer.accelerator=cpu", "trainer.max_epochs=1"),
]
SPLITS = ("train", "val")

pytestmark = pytest.mark.usefixtures("without_meteor")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return caption_tree(tmp_path / "coco", val=5)


@pytest.fixture
def trained(tmp_path: Path, root: Path) -> Train:
    def start(*overrides: str, name: str = "run") -> Run:
        given = [f"data.root={root}", *SETTINGS, *overrides]
        return train("scenes-caption", given, runs=tmp_path / "runs", name=name)

    return start


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.pth")
    return tmp_path / "weights.pth"


def of_map(folder: Path, weights: Path) -> list[str]:
    """Settings by which a training makes features of a map of 2 x 2 positions."""
    features = {"path": str(folder), "network": "test_resnet", "weights": str(weights)}
    return [f"data.features={json.dumps(features)}", "data.image_size=64", "data.resize=squash"]


def stored(
    root: Path, folder: Path, source: str = "a", *, splits: tuple[str, ...] = SPLITS, shape: tuple[int, int] = (3, 4)
) -> str:
    """Features of others for a COCO tree, the same numbers for the same source; the setting that names their folder."""
    for split in splits:
        names = [f"{split}/{path.name}" for path in sorted((root / split).iterdir())]
        rows = np.random.default_rng(ord(source)).random((len(names), *shape), dtype=np.float32)
        with FeatureWriter(folder / f"{split}.npy", names, shape, made={"source": source}) as writer:
            writer.write(rows)
    return f"data.features.path={folder}"


def images_of(root: Path) -> list[str]:
    return [str(path) for path in sorted((root / "val").iterdir())]


# What is learned from and scored


def test_what_was_made_is_what_is_learned_from(trained: Train, root: Path, tmp_path: Path, weights: Path) -> None:
    """Not an older file in the same folder that comes first by its name."""
    settings = of_map(tmp_path / "f", weights)
    alone = trained(*settings)
    names = [f"{split}/{path.name}" for split in SPLITS for path in sorted((root / split).iterdir())]
    with FeatureWriter(tmp_path / "f" / "all.npy", names, (4, 96), made={"network": "another"}) as writer:
        writer.write(np.full((len(names), 4, 96), 9.0))
    (tmp_path / "f" / "0.npy").write_bytes(b"damaged")
    (tmp_path / "f" / "0.json").write_bytes(b"")
    beside = trained(*settings, name="beside")
    assert beside.metrics_file.read_text() == alone.metrics_file.read_text()
    assert beside.evaluation("val").metrics() == alone.evaluation("val").metrics()


def test_the_config_of_a_run_says_what_it_learned_from(trained: Train, tmp_path: Path, weights: Path) -> None:
    run = trained(*of_map(tmp_path / "f", weights))
    made = json.loads((tmp_path / "f" / "train.json").read_text())["made"]
    assert yaml.safe_load(run.config_file.read_text())["data"]["features"]["made"] == made
    again = train(run.config_file, [], runs=tmp_path / "runs", name="again")
    assert again.metrics_file.read_text() == run.metrics_file.read_text()


def test_splits_of_other_makes_are_refused(trained: Train, root: Path, tmp_path: Path) -> None:
    stored(root, tmp_path / "f", "a", splits=("train",))
    said = r"val\.npy: was made with source b, and the features that the network learned from with source a; set"
    with pytest.raises(DataError, match=said):
        trained(stored(root, tmp_path / "f", "b", splits=("val",)))
    assert not (tmp_path / "runs").exists()


def test_scoring_on_features_of_another_make_is_refused(trained: Train, root: Path, tmp_path: Path) -> None:
    run = trained(stored(root, tmp_path / "f"))
    numbers = run.evaluation("val").metrics()
    with pytest.raises(DataError, match=r"val\.npy: was made with source b, and the features that the network learned"):
        evaluate(run, stored(root, tmp_path / "other", "b"))
    (tmp_path / "other" / "val.npy").rename(tmp_path / "other" / "all.npy")
    (tmp_path / "other" / "val.json").rename(tmp_path / "other" / "all.json")
    with pytest.raises(DataError, match=r"no finished file .*, made as those that the network learned from; `saccade"):
        evaluate(run, f"data.features.path={tmp_path / 'other'}")
    with pytest.raises(ConfigError, match=r"data\.features\.made"):
        evaluate(run, "data.features.made=null")
    assert [evaluation.name for evaluation in run.evaluations()] == ["val"]
    same = evaluate(run, stored(root, tmp_path / "same"))
    assert (same.name, same.metrics()) == ("val", numbers)


def test_other_images_of_the_same_names_are_refused(trained: Train, tmp_path: Path, weights: Path) -> None:
    run = trained(*of_map(tmp_path / "f", weights))
    other = caption_tree(tmp_path / "other", val=5)
    assert evaluate(run, f"data.root={other}").name == "val"  # the same images elsewhere
    for path in (other / "val").iterdir():
        Image.new("RGB", (77, 50)).save(path)
    with pytest.raises(DataError, match=r"val\.npy: has features of files of other sizes for 5 images of 5"):
        evaluate(run, f"data.root={other}")


# What is asked


def test_a_run_whose_config_only_named_the_folder_predicts_with_the_same_network(
    trained: Train, root: Path, tmp_path: Path, weights: Path
) -> None:
    trained(*of_map(tmp_path / "f", weights), name="maker")
    run = trained(f"data.features.path={tmp_path / 'f'}", "trainer.max_epochs=4", "optim.lr=0.02")
    with pytest.raises(ConfigError, match=r"and the run names none; set data\.features\.pretrained=true for the"):
        predict(run, images_of(root))
    answers = predict(run, images_of(root), f"data.features.weights={weights}")
    assert answers.table["caption"].to_list() == run.evaluation("val").predictions()["caption"].to_list()


def test_features_of_another_network_or_of_others_answer_nothing(
    trained: Train, root: Path, tmp_path: Path, weights: Path
) -> None:
    run = trained(*of_map(tmp_path / "f", weights))
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "b.pth")
    with pytest.raises(ConfigError, match=r"learned from features made with weights .*, and these would be made with"):
        predict(run, images_of(root), f"data.features.weights={tmp_path / 'b.pth'}")
    # a detector's features are as wide, and the network would take any number of them
    theirs = trained(stored(root, tmp_path / "theirs", shape=(3, 2048)), "model.name=updown", name="theirs")
    with pytest.raises(ConfigError, match=r"features of a, which were computed elsewhere and cannot be made of"):
        predict(theirs, images_of(root), f"data.features.weights={weights}")
    assert not (theirs.path / "predictions").exists()


def test_weights_of_a_file_may_stand_in_for_published_ones(
    trained: Train, root: Path, tmp_path: Path, weights: Path
) -> None:
    """As where the machine that predicts has no network; what the messages say to set may be set."""
    run = trained(*of_map(tmp_path / "f", weights))
    content = yaml.safe_load(run.config_file.read_text())
    content["data"]["features"] |= {"pretrained": True, "weights": None}
    run.config_file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=r"set data\.features\.pretrained=false to use that file"):
        predict(run, images_of(root), f"data.features.weights={weights}")
    given = ["data.features.pretrained=false", f"data.features.weights={weights}"]
    assert len(predict(run, images_of(root), *given).table) == 5


def test_mixed_precision_is_not_for_the_features(
    trained: Train, root: Path, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(*of_map(tmp_path / "f", weights))
    really, made = ImageFeatures.forward, []

    def watched(self: ImageFeatures, image: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        made.append(really(self, image, size))
        return made[-1]

    monkeypatch.setattr(ImageFeatures, "forward", watched)
    predict(run, images_of(root), "trainer.precision=bf16-mixed")
    expected = np.load(tmp_path / "f" / "val.npy").astype(np.float32)
    assert torch.cat(made).numpy() == pytest.approx(expected, rel=2e-3, abs=1e-3)


def test_photographs_go_to_a_detector_one_at_a_time(
    trained: Train, root: Path, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = ImageFeatures(DetectorFeatures(Planted([[0, 0, 32, 32]], [[0.9, 0]]), regions=2))  # type: ignore[arg-type]
    monkeypatch.setattr(DetectorFeatures, "channels", 3)
    monkeypatch.setattr(image_features, "feature_network", lambda _: planted)
    monkeypatch.setattr("saccade.engine.stored_features.feature_network", lambda _: planted)
    features = {"path": str(tmp_path / "f"), "weights": str(weights), "regions": 2}
    run = trained(f"data.features={json.dumps(features)}")
    really, seen = ImageFeatures.forward, []

    def watched(self: ImageFeatures, image: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        seen.append((len(image), tuple(image.shape[-2:]), tuple(size[0].tolist())))
        return really(self, image, size)

    monkeypatch.setattr(ImageFeatures, "forward", watched)
    answers = predict(run, images_of(root), "loader.batch_size=128")
    sizes = [Image.open(path).size[::-1] for path in images_of(root)]
    assert seen == [(1, size, size) for size in sizes]
    assert answers.table["caption"].to_list() == run.evaluation("val").predictions()["caption"].to_list()
