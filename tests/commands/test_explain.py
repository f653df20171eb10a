"""``saccade explain`` on runs of every task, from the command line to the files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from blank import savefig
from saccade.browse.explanations import sections
from saccade.commands.evaluate import evaluate
from saccade.commands.explain import explain
from saccade.commands.predict import predict
from saccade.commands.subject import subject_of
from saccade.commands.train import train
from saccade.data.scenes import draw_scene
from saccade.engine import checkpoint
from saccade.errors import ConfigError, DataError, RunError
from saccade.explain.options import METHODS, Options
from saccade.runs import Run
from trees import SMALL, caption_tree, class_tree, mask_tree, voc_tree, word_tree

Saccade = Callable[..., Any]
LABELS = [*SMALL, "data.holdout=0.25", "data.resize_crop=1"]
SETTINGS = {
    "folder-classify": LABELS,
    "voc-multilabel": LABELS,
    "voc2007-fcn": [
        "model.name=unet", "model.depth=2", "model.width=8", "data.image_size=[32,40]", "data.holdout=0.25",
        "loader.batch_size=4", "loader.workers=0", "trainer.accelerator=cpu",
    ],
    "scenes-caption": [
        "task.min_count=1", "task.max_length=3", "task.concepts=0", "task.beam=1", "data.format=coco",
        "data.image_size=32", "data.holdout=0.25", "data.normalize=imagenet", "model.name=attention",
        "model.layers=null", "model.embedding=8", "model.hidden=16", "loader.batch_size=4", "trainer.accelerator=cpu",
    ],
    "scenes-spot": [
        "data.format=icdar", "data.image_size=96", "data.holdout=0.25", "data.normalize=imagenet", "task.min_side=4",
        "model.hidden=16", "loader.batch_size=4", "loader.workers=0", "trainer.accelerator=cpu",
    ],
}  # fmt: skip
TREES = {
    "folder-classify": class_tree,
    "voc-multilabel": voc_tree,
    "voc2007-fcn": mask_tree,
    "scenes-caption": caption_tree,
    "scenes-spot": word_tree,
}
SLOW = {
    (method, preset)
    for method in ("filters", "features", "integrated-gradients")
    for preset in ("voc-multilabel", "scenes-caption", "scenes-spot")
}
"""What takes long and goes the way of others."""
FOUND = {"scenes-spot": ["task.threshold=0.01"]}
"""Settings with which an untrained network finds something."""

pytestmark = pytest.mark.usefixtures("without_meteor")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], tuple[Run, list[str]]]]:
    """A run of each preset whose weights are as they were drawn, and three images."""
    folder, made = tmp_path_factory.mktemp("explain"), dict[str, tuple[Run, list[str]]]()

    def make(preset: str) -> tuple[Run, list[str]]:
        if preset not in made:
            root = TREES[preset](folder / f"data-{preset}")
            settings = [f"data.root={root}", *SETTINGS[preset], "trainer.max_epochs=0"]
            images = sorted(str(path) for path in root.rglob("*") if path.suffix in (".jpg", ".png"))
            made[preset] = train(preset, settings, runs=folder / "runs"), [p for p in images if "Class" not in p][:3]
        return made[preset]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", savefig)
        yield make


def folder_of(out: str) -> Path:
    """What stands last on stdout."""
    return Path(out.splitlines()[-1])


ALIKE = [
    pytest.param(method, preset, marks=[pytest.mark.slow] if (method, preset) in SLOW else [])
    for method in METHODS
    for preset in SETTINGS
    if method != "confused-logits"
]


@pytest.mark.parametrize(("method", "preset"), ALIKE)
def test_every_method_on_every_task(runs: Callable[[str], Any], saccade: Saccade, preset: str, method: str) -> None:
    run, images = runs(preset)
    given = [] if method == "filters" else images[:2]
    done = saccade("explain", run.path, *given, *FOUND.get(preset, []), "--method", method)
    assert done.code == 0, done.err
    folder = folder_of(done.out)
    assert folder.parent == run.path / "explanations" / method
    assert folder in [explanation.path for explanation in run.explained()]
    about = json.loads((folder / "about.json").read_text())
    assert about["method"] == method
    assert about["checkpoint"] == "best.ckpt"
    assert about["task"] == preset.replace("folder-", "").replace("voc2007-fcn", "segment").rpartition("-")[2]
    for entry in about["found"]:
        assert np.isfinite(np.load(folder / entry["numbers"])).all()
        with Image.open(folder / entry["picture"]) as picture:
            assert picture.getcolors(maxcolors=20) is None, "there are more than 20 colours in it"
    if method != "filters":
        assert {entry["image"] for entry in about["found"]} == set(images[:2])


@pytest.mark.parametrize("preset", ["folder-classify", "voc-multilabel"])
def test_what_is_explained_is_what_predict_answers(runs: Callable[[str], Any], preset: str) -> None:
    run, images = runs(preset)
    answers = predict(run, images)
    found = explain(run, images, method="gradcam")
    for entry, scores in zip(found.found, answers.table["scores"].to_list(), strict=True):
        (target,) = entry["targets"]
        assert target["name"] == answers.classes[int(np.argmax(scores))]
        assert target["probability"] == pytest.approx(max(scores), abs=1e-6)
    last = answers.classes[-1]
    found = explain(run, images, method="occlusion", target=last, options=Options(patch=8, stride=8))
    for entry, scores in zip(found.found, answers.table["scores"].to_list(), strict=True):
        assert entry["targets"] == [{"name": last, "probability": pytest.approx(scores[-1], abs=1e-6)}]


def test_the_patch_of_the_config_holds_where_no_option_does(runs: Callable[[str], Any]) -> None:
    run, images = runs("folder-classify")
    of_config = ["explain.patch=16", "explain.stride=8", "explain.fill=white"]
    said = explain(run, images[:1], *of_config, method="occlusion").found[0]
    assert (said["patch"], said["stride"], said["fill"]) == (16, 8, "white")
    said = explain(run, images[:1], *of_config, method="occlusion", options=Options(patch=12, fill="black")).found[0]
    assert (said["patch"], said["stride"], said["fill"]) == (12, 8, "black")
    for method, setting in (("gradcam", "explain.fill=white"), ("integrated-gradients", "explain.patch=16")):
        with pytest.raises(ConfigError, match=rf"{setting.split('=')[0]} cannot be changed here"):
            explain(run, images[:1], setting, method=method)


def test_the_image_is_the_one_that_the_network_sees(runs: Callable[[str], Any]) -> None:
    """Confused logits keep a changed image; one that hardly had to change is the transformed file."""
    run, images = runs("folder-classify")
    found = explain(run, images[:1], method="confused-logits", options=Options(margin=1.0))
    assert found.found[0]["input"] == [32, 32]
    first, second = np.load(found.folder / found.found[0]["numbers"])[2:]
    with Image.open(images[0]) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32).transpose(2, 0, 1) / 255
    for change, changed in zip(found.found[0]["changes"], (first, second), strict=True):
        difference = float(np.sqrt(np.mean((changed - pixels) ** 2)))
        assert difference == pytest.approx(change["size"], abs=2e-3), "SMALL takes images of 32 pixels as they are"


def test_words_of_a_caption(runs: Callable[[str], Any]) -> None:
    run, images = runs("scenes-caption")
    caption = predict(run, images[:1]).table["caption"][0]
    found = explain(run, images[:1], method="occlusion", options=Options(patch=8, stride=8))
    words = [target["name"] for target in found.found[0]["targets"]]
    assert " ".join(words) == caption == found.found[0]["answer"]
    assert np.load(found.folder / found.found[0]["numbers"]).shape == (len(words), 32, 32)
    found = explain(run, images[:1], method="gradcam", target=words[-1])
    assert {target["name"] for target in found.found[0]["targets"]} == {words[-1]}
    with pytest.raises(DataError, match=r"the caption is .*, without 'xyz'; name one of its words"):
        explain(run, images[:1], method="gradcam", target="xyz")


@pytest.mark.parametrize("method", ["occlusion", "gradcam"])
def test_where_a_captioning_network_looked_is_written(runs: Callable[[str], Any], method: str) -> None:
    """The same weights as in what ``predict`` writes."""
    run, images = runs("scenes-caption")
    row = predict(run, images[:1]).table.row(0, named=True)
    options = Options(patch=16, stride=16) if method == "occlusion" else Options()
    found = explain(run, images[:1], method=method, options=options)
    weights = np.load(found.folder / found.found[0]["attention"]["numbers"])
    side = round(len(row["attention"][0]) ** 0.5)
    assert weights.shape == (len(row["caption"].split()), side, side)
    assert weights.reshape(len(weights), -1) == pytest.approx(np.array(row["attention"]), abs=1e-5)
    assert weights.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-5)


def test_a_layer_that_the_answer_does_not_depend_on(runs: Callable[[str], Any], saccade: Saccade) -> None:
    run, images = runs("scenes-spot")
    done = saccade("explain", run.path, images[0], "task.threshold=0.01", "--method", "gradcam", "--layer", "distances")
    assert done.code == 2
    assert "--layer: the answer does not depend on distances, so that Grad-CAM has nothing to weigh" in done.err
    assert "Traceback" not in done.err


def test_an_image_that_a_spot_network_pads(runs: Callable[[str], Any], tmp_path: Path) -> None:
    """The map is that of the padded image, and its heat is stretched over that one: a cell is four pixels."""
    run, _ = runs("scenes-spot")
    Image.effect_noise((320, 101), 80).convert("RGB").save(tmp_path / "wide.png")
    found = explain(run, [str(tmp_path / "wide.png")], "task.threshold=0.01", method="gradcam")
    height, width = found.found[0]["input"]
    assert height % 4, "it is padded"
    assert found.found[0]["map"][1:] == [-(-height // 4), -(-width // 4)]


def test_text_that_is_not_found(runs: Callable[[str], Any]) -> None:
    run, images = runs("scenes-spot")
    with pytest.raises(DataError, match=r"no text is found: the highest score is 0\.\d\d, and task.threshold is 0.9"):
        explain(run, images[:1], "task.threshold=0.99", method="gradcam")


class ByColour(nn.Module):
    """Cat where red outweighs green, dog where green outweighs red: of VOC's classes the 8th and the 12th."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 21, 1)
        with torch.no_grad():
            self.conv.weight.zero_()
            self.conv.bias.zero_()
            self.conv.weight[8, :2, 0, 0] = torch.tensor([1.0, -1.0])
            self.conv.weight[12, :2, 0, 0] = torch.tensor([-1.0, 1.0])

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.conv(image)
        return logits


def test_a_class_that_is_not_in_an_image_fails_for_that_image(
    runs: Callable[[str], Any], saccade: Saccade, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run, _ = runs("voc2007-fcn")
    monkeypatch.setattr(
        "saccade.commands.explain.subject_of",
        lambda task, network: replace(subject_of(task, network), network=ByColour()),
    )
    images = [tmp_path / "red.png", tmp_path / "green.png"]
    for image, rgb in zip(images, ((220, 20, 20), (20, 220, 20)), strict=True):
        Image.new("RGB", (40, 32), rgb).save(image)
    done = saccade("explain", run.path, *images, "--method", "occlusion", "--target", "cat")
    assert done.code == 3
    assert f"{images[1]}: no pixel is given to 'cat'; there is 'dog'" in done.err
    assert "1 of 2 images could not be explained" in done.err
    done = saccade("explain", run.path, *images, "--method", "occlusion", "--target", "sheep")
    assert done.code == 2
    for image, there in zip(images, ("cat", "dog"), strict=True):
        assert f"{image}: no pixel is given to 'sheep'; there is '{there}'" in done.err


def test_a_segmentation_window_by_window_is_not_looked_into(runs: Callable[[str], Any]) -> None:
    run, images = runs("voc2007-fcn")
    for method in ("occlusion", "features"):
        with pytest.raises(ConfigError, match=rf"--method: {method} looks into one pass .*; set task.window=false to"):
            explain(run, images[:1], "task.window=true", method=method)
    assert explain(run, [], "task.window=true", method="filters").found


def test_images_are_nothing_to_filters(runs: Callable[[str], Any], saccade: Saccade) -> None:
    run, images = runs("folder-classify")
    done = saccade("explain", run.path, images[0], "--method", "filters")
    assert done.code == 2
    assert "--method: filters is about the network, not about images; leave them out" in done.err


@pytest.mark.parametrize("accelerator", ["gpu", "mps"])
def test_a_device_that_there_is_not_is_refused_as_in_evaluation(runs: Callable[[str], Any], accelerator: str) -> None:
    if torch.mps.is_available() or (accelerator == "gpu" and torch.cuda.is_available()):
        pytest.skip("there is one")
    run, images = runs("folder-classify")
    with pytest.raises(ConfigError, match=r"set trainer\.accelerator and ") as expected:
        evaluate(run, f"trainer.accelerator={accelerator}")
    with pytest.raises(ConfigError) as found:
        explain(run, images[:1], f"trainer.accelerator={accelerator}", method="gradcam")
    assert str(found.value) == str(expected.value)


def test_a_network_that_has_diverged(runs: Callable[[str], Any], saccade: Saccade, tmp_path: Path) -> None:
    for preset in SETTINGS:
        run, images = runs(preset)
        held = checkpoint.load(run.checkpoints / "best.ckpt")
        weights = {
            k: torch.full_like(v, torch.nan) if v.is_floating_point() else v for k, v in held["state_dict"].items()
        }
        checkpoint.save(held | {"state_dict": weights}, tmp_path / "nan.ckpt")
        before = len(run.explained())
        for method in ("gradcam", "filters"):
            given = [] if method == "filters" else images[:1]
            done = saccade("explain", run.path, *given, "--method", method, "--checkpoint", tmp_path / "nan.ckpt")
            assert done.code == 2, done.err
            assert "not finite (NaN or infinite): the training has diverged" in done.err
        assert len(run.explained()) == before


def test_memory_that_does_not_suffice_is_one_message(
    runs: Callable[[str], Any], saccade: Saccade, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    run, images = runs("folder-classify")
    monkeypatch.setattr("saccade.commands.explain.explained", full)
    done = saccade("explain", run.path, images[0])
    assert done.code == 2
    assert "CUDA out of memory; lower loader.batch_size" in done.err


def test_its_settings_are_nothing_to_other_commands(runs: Callable[[str], Any]) -> None:
    run, images = runs("folder-classify")
    for command in (lambda: evaluate(run, "explain.patch=3"), lambda: predict(run, images, "explain.patch=3")):
        with pytest.raises(ConfigError, match=r"explain.patch cannot be changed here"):
            command()


def test_json(runs: Callable[[str], Any], saccade: Saccade) -> None:
    run, images = runs("folder-classify")
    done = saccade("explain", run.path, images[0], "--method", "gradcam", "--layer", "features.3", "--json")
    document = json.loads(done.out)
    assert document["layers"] == ["features.3"]
    assert document["found"][0]["layer"] == "features.3"
    assert (Path(document["folder"]) / document["found"][0]["picture"]).is_file()
    assert "explaining" in done.err


def test_filters_are_those_of_the_checkpoint(runs: Callable[[str], Any]) -> None:
    run, _ = runs("folder-classify")
    found = explain(run, method="filters", layers=["features.0.0"], checkpoint="last")
    weights = checkpoint.load(run.checkpoints / "last.ckpt")["state_dict"]["network.features.0.0.weight"]
    assert np.array_equal(np.load(found.folder / found.found[0]["numbers"]), weights.numpy())
    assert found.about["checkpoint"] == "last.ckpt"


def test_mistakes_are_one_message(runs: Callable[[str], Any], saccade: Saccade) -> None:
    run, images = runs("folder-classify")
    for words, message in (
        (
            ["--method", "gradcam", "--layer", "featurs.8"],
            "--layer: no layer is called 'featurs.8'; did you mean featur",
        ),
        # the last level of the tree that summary draws
        (["--method", "gradcam", "--layer", "8"], "--layer: no layer is called '8'; did you mean features.8?"),
        (["--method", "gradcam", "--target", "rde"], "--target: no class is called 'rde'; did you mean 'red'?"),
        (
            ["--method", "occlusion", "--patch", "33"],
            "--patch or explain.patch: is 33, and the network sees an image of",
        ),
        (
            ["--method", "occlusion", "--patch", "4", "explain.stride=5"],
            "--stride or explain.stride: is 5, and a patch",
        ),
        (["--method", "occlusion", "--colours", "magmaa"], "--colours: no colour map is called 'magmaa'; did you mean"),
        (["--method", "features", "--margin", "0.1"], "--margin: features has no such setting; it knows --layer"),
        (["--checkpoint", "bset"], "bset: no such checkpoint; name best, last"),
        (["optim.lr=1"], "optim.lr"),
    ):
        done = saccade("explain", run.path, images[0], *words)
        assert done.code == 2, words
        assert message in done.err, words
        assert "Traceback" not in done.err
    done = saccade("explain", run.path)
    assert done.code == 2
    assert "no images to read; name files, folders, or patterns" in done.err
    with pytest.raises(RunError):
        explain(run.path / "checkpoints", images, method="gradcam")


def test_methods_that_mean_nothing_for_a_task(runs: Callable[[str], Any]) -> None:
    for preset in ("voc-multilabel", "voc2007-fcn", "scenes-caption", "scenes-spot"):
        run, images = runs(preset)
        with pytest.raises(ConfigError, match="confused-logits is about an answer that is one of several classes"):
            explain(run, images, method="confused-logits")


def test_a_cross_validated_run_is_explained_by_its_folds(tmp_path: Path) -> None:
    root = class_tree(tmp_path / "data", train=6)
    run = train("folder-classify", [f"data.root={root}", *SMALL, "data.folds=2", "trainer.max_epochs=1"], runs=tmp_path)
    images = [str(next((root / "val").rglob("*.png")))]
    with pytest.raises(ConfigError, match=r"is cross-validated, .*; explain one of them, such as .*folds/1"):
        explain(run, images, method="gradcam")
    assert explain(run.fold(1), images, method="gradcam").images == images


def test_filters_while_training(tmp_path: Path, classes_on_disk: Path) -> None:
    settings = [f"data.root={classes_on_disk}", *LABELS, "trainer.max_epochs=3", "log.filters_every=2"]
    run = train("folder-classify", settings, runs=tmp_path)
    names = sorted(path.name for path in (run.explanations / "filters").iterdir())
    assert names == ["epoch-001.png", "epoch-003.png", "epochs.png"]
    assert run.explained() == []
    for film in ("epochs", "epoch-003", "epoch-001"):  # while it learns the newest picture is shown
        assert [section["film"] for section in sections(run)] == [f"/explanation/filters/{film}.png"]
        (run.explanations / "filters" / f"{film}.png").unlink()
    plain = train("folder-classify", [*settings[:-1], "log.filters_every=0"], runs=tmp_path)
    assert not plain.explanations.exists()
    for name in ("best.ckpt", "last.ckpt"):
        drawn, other = (checkpoint.load(each.checkpoints / name)["state_dict"] for each in (run, plain))
        assert all(torch.equal(drawn[key], other[key]) for key in drawn), "drawing changes nothing that is learned"


@pytest.mark.slow
def test_the_heat_lies_on_the_objects_of_scenes(tmp_path: Path) -> None:
    """Of a network that learned classes alone: the heat's share in the object's mask is several times the mask's."""
    settings = ["data.root=scenes", "data.scenes.train=1000", "data.scenes.val=64", "trainer.max_epochs=10"]
    settings = [f"data.root={tmp_path / 'scenes'}", *settings[1:], "trainer.accelerator=cpu"]
    run = train("scenes-multilabel", settings, runs=tmp_path / "runs")
    factors: dict[str, list[float]] = {"occlusion": [], "gradcam": []}
    for index in range(64):
        pixels, scene = draw_scene(77, index, size=64, split="test", max_objects=1)
        file, name = tmp_path / f"{index}.png", scene.objects[0].shape
        Image.fromarray(pixels).save(file)
        mask = scene.mask(0)
        for method, found in factors.items():
            explained = explain(run, [str(file)], method=method)
            if explained.found[0]["targets"][0]["name"] != name:
                continue  # what the network does not see has no place
            heat = torch.from_numpy(np.load(explained.folder / explained.found[0]["numbers"]))[None]
            heat = torch.nn.functional.interpolate(heat, size=mask.shape, mode="bilinear")[0, 0].clamp_min(0).numpy()
            found.append(float(heat[mask].sum() / heat.sum() / mask.mean()))
    for method, found in factors.items():
        assert len(found) >= 12, method
        assert np.median(found) > 2.5, f"{method}: {np.median(found):.2f} of {len(found)}"
