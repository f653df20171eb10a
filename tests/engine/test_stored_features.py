"""Files of features are what the network says of each image, wherever the writing stops, and are never mixed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn
from torchvision.transforms.v2 import functional

from detectors import Planted
from saccade.config.schema import Config
from saccade.data import coco_captions
from saccade.data.feature_files import FeatureFile
from saccade.data.listing import Listing
from saccade.engine import stored_features
from saccade.engine.stored_features import device_of, ensure_features, feature_listings, loose_loader
from saccade.errors import ConfigError, DataError
from saccade.nn.detector_features import DetectorFeatures
from saccade.tasks.image_features import ImageFeatures, feature_network, feature_transform
from trees import caption_tree

Said = list[str]
N = 5


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return caption_tree(tmp_path / "coco", train=N)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "a.pth")
    return tmp_path / "a.pth"


@pytest.fixture
def of_map(root: Path, weights: Path) -> Callable[..., Config]:
    """A config for maps of 2 x 2 positions of 96 features."""

    def made(**features: Any) -> Config:
        section = {"path": root.parent / "f", "network": "test_resnet", "weights": weights, **features}
        return config(root, section)

    return made


def config(root: Path, features: dict[str, Any], *, batch: int = 2, workers: int = 0, **data: Any) -> Config:
    return Config.model_validate(
        {
            "name": "x",
            "task": {"name": "caption"},
            "data": {"format": "coco", "root": root, "image_size": 64, "features": features, **data},
            "loader": {"batch_size": batch, "workers": workers},
            "trainer": {"accelerator": "cpu"},
        }
    )


def listing_of(root: Path, split: str = "train") -> Listing:
    return coco_captions.read(root, split)


def made(config: Config, listing: Listing, said: Said | None = None) -> FeatureFile:
    split = "train"
    return FeatureFile(ensure_features(config, split, listing, (said if said is not None else []).append))


@pytest.mark.parametrize("workers", [0, 1])
def test_rows_are_what_the_network_says_of_each_image(of_map: Callable[..., Config], root: Path, workers: int) -> None:
    asked, listing = of_map(), listing_of(root)
    asked = asked.model_copy(update={"loader": asked.loader.model_copy(update={"workers": workers})})
    store = made(asked, listing)
    network, transform = feature_network(asked), feature_transform(asked)
    assert list(store.names) == list(listing.images)
    assert store.array.shape == (N, 4, 96)
    assert store.boxes is None
    assert store.made["grid"] == [2, 2]
    assert store.made["network"] == "test_resnet"
    for row, name in zip(store.array, listing.images, strict=True):
        image = transform(Image.open(root / name).convert("RGB"))[None]
        expected = network(image, torch.tensor([[64, 64]]))[0].numpy()
        assert row.astype(np.float32) == pytest.approx(expected, rel=2e-3, abs=1e-4)
    store.verify()


def test_pooled_is_one_vector_an_image(of_map: Callable[..., Config], root: Path) -> None:
    every = np.array(made(of_map(), listing_of(root)).array, dtype=np.float32)
    store = made(of_map(pool="max", path=root.parent / "pooled"), listing_of(root))
    assert store.array.shape == (N, 96)
    assert np.array_equal(store.array, every.max(axis=1))


def test_what_is_stopped_goes_on_to_the_same_bytes(
    of_map: Callable[..., Config], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing, said = listing_of(root), Said()
    whole = made(of_map(path=root.parent / "whole"), listing)
    seen = []

    def stopping(self: ImageFeatures, image: torch.Tensor, size: torch.Tensor) -> Any:
        seen.append(len(image))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return really(self, image, size)

    really = ImageFeatures.regions
    monkeypatch.setattr(ImageFeatures, "regions", stopping)
    with pytest.raises(KeyboardInterrupt):
        made(of_map(), listing)
    stopped = made(of_map(), listing, said)
    assert seen == [2, 2, 2, 1]
    assert said == [
        f"{stopped.path}: features of 5 images of train",
        f"{stopped.path}: going on after 2 of 5 images",
    ]
    for suffix in (".npy", ".json"):
        assert stopped.path.with_suffix(suffix).read_bytes() == whole.path.with_suffix(suffix).read_bytes()
    made(of_map(), listing)
    assert len(seen) == 4  # what is there is not made again


def test_boxes_of_images_of_unlike_sizes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted detector's box is the upper left 32 x 32 pixels of an image whose shorter side becomes 64."""
    network = ImageFeatures(DetectorFeatures(Planted([[0, 0, 32, 32]], [[0.9, 0]]), regions=2))  # type: ignore[arg-type]
    network.network.channels = 3
    monkeypatch.setattr(stored_features, "feature_network", lambda _: network)
    store = made(config(root, {"path": root / "f", "pretrained": True, "regions": 2}), listing_of(root))
    assert store.array.shape == (N, 2, 3)
    assert store.boxes is not None
    for i, name in enumerate(store.names):
        width, height = Image.open(root / name).size
        scale = min(64 / min(width, height), 106 / max(width, height))
        resized = int(width * scale), int(height * scale)
        expected = [0, 0, 32 / resized[0], 32 / resized[1]]
        assert store.boxes[i].tolist() == [pytest.approx(expected)] * 2
    assert store.made["regions"] == 2
    assert len({tuple(box) for box in store.boxes[:, 0].tolist()}) > 1


def test_part_of_a_file_is_enough(of_map: Callable[..., Config], root: Path) -> None:
    """A holdout or a validation part that is cut off the training split is in its file."""
    listing = listing_of(root)
    made(of_map(), listing)
    made(of_map(), listing.take(np.array([3, 1])))
    with pytest.raises(DataError, match=r"train\.npy: has no features of 2 images of 2"):
        made(of_map(), listing_of(root, "val"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pool": "mean"}, r"was made with pool none, and the config asks for pool mean; set data\.features so, or"),
        ({"network": "test_convnext"}, r"was made with network test_resnet, and the config asks for network test_conv"),
    ],
)
def test_a_file_that_was_made_in_another_way_is_refused(
    of_map: Callable[..., Config], root: Path, change: dict[str, Any], said: str
) -> None:
    made(of_map(), listing_of(root))
    with pytest.raises(DataError, match=said):
        made(of_map(**change), listing_of(root))


def test_other_weights_are_another_way(of_map: Callable[..., Config], root: Path, tmp_path: Path) -> None:
    made(of_map(), listing_of(root))
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "b.pth")
    with pytest.raises(DataError, match=r"was made with weights \{'sha256': "):
        made(of_map(weights=tmp_path / "b.pth"), listing_of(root))


def test_a_folder_alone_takes_what_is_there(of_map: Callable[..., Config], root: Path) -> None:
    """A config that says nothing of how features are made, as on a machine that only has the files."""
    path = made(of_map(), listing_of(root)).path
    assert made(of_map(weights=None, network="resnet18"), listing_of(root)).path == path
    path.with_suffix(".json").unlink()
    with pytest.raises(ConfigError, match="random weights"):
        made(of_map(weights=None), listing_of(root))


def test_a_damaged_image_is_named_and_what_is_done_is_kept(of_map: Callable[..., Config], root: Path) -> None:
    listing = listing_of(root)
    bad = root / listing.images[3]
    whole = bad.read_bytes()
    bad.write_bytes(whole[:50])
    with pytest.raises(DataError, match=rf"{bad.name}: cannot be read as an image .*; mend or remove it, or leave it"):
        made(of_map(), listing)
    bad.write_bytes(whole)
    said = Said()
    made(of_map(), listing, said)
    assert said[1].endswith("going on after 2 of 5 images")


def test_damaged_training_images_are_left_out_where_asked_for(of_map: Callable[..., Config], root: Path) -> None:
    bad = root / listing_of(root).images[1]
    bad.write_bytes(b"")
    asked = of_map()
    asked = asked.model_copy(
        update={"data": asked.data.model_copy(update={"train": "train", "val": "val", "on_error": "skip"})}
    )
    said = Said()
    listings = feature_listings(asked, said.append)
    assert [(split, len(listing)) for split, listing in listings.items()] == [("train", N - 1), ("val", 2)]
    assert len(said) == 1
    assert said[0].startswith(f"skipped: {bad} (")


def sources(root: Path, kind: str) -> str:
    """Features (k, 3) of each image, in a file or a folder below ``root``; those of image i are i."""
    for split in ("train", "val"):
        listing = listing_of(root, split)
        ids = listing.captions.ids if listing.captions is not None else []
        rows = np.stack([np.full((4, 3), float(i)) for i in ids])
        folder = root / "bottomup" / split
        folder.mkdir(parents=True)
        if kind == "array":
            np.save(folder / "all.npy", rows)
        else:
            for i, row in zip(ids, rows, strict=True):
                np.save(folder / f"{i}.npy", row if i != 1 or kind == "folder" else row[:2])
    return "bottomup/{split}/all.npy" if kind == "array" else "bottomup/{split}"


@pytest.mark.parametrize("kind", ["array", "folder"])
@pytest.mark.parametrize("pool", ["none", "max"])
def test_converted(root: Path, kind: str, pool: str) -> None:
    source = sources(root, kind)
    asked = config(root, {"path": root / "f", "source": source, "pool": pool})
    store = made(asked, listing_of(root))
    assert store.array.shape == ((N, 4, 3) if pool == "none" else (N, 3))
    assert np.array_equal(store.array.reshape(N, -1)[:, 0], np.arange(N))
    assert store.made == {"source": source, "pool": pool}
    assert (store.sizes > 0).all()
    assert made(asked, listing_of(root)).path == store.path


def test_a_config_that_says_what_was_learned_from_takes_no_other_features(root: Path) -> None:
    """Told before they are made, which takes hours."""
    features = {"path": root / "f", "source": sources(root, "folder"), "made": {"source": "other", "pool": "none"}}
    with pytest.raises(ConfigError, match=r"data\.features\.made: says source other, and the config asks for source"):
        made(config(root, features), listing_of(root))
    assert not (root / "f").exists()


def test_images_for_boxes_are_read_one_at_a_time(root: Path) -> None:
    """At their full size 128 photographs take 19 GB."""
    paths = [str(root / name) for name in listing_of(root).images]

    def sizes(features: dict[str, Any]) -> list[int]:
        asked = config(root, features, batch=3)
        return [len(batch.index) for batch in loose_loader(asked, paths, functional.pil_to_tensor, start=1)]

    assert sizes({"path": root / "f"}) == [1] * 4
    assert sizes({"path": root / "f", "network": "test_resnet"}) == [3, 1]
    assert sizes({}) == [3, 1]  # the network sees the images themselves


def test_regions_of_unlike_number_take_a_decision(root: Path) -> None:
    features = {"path": root / "f", "source": sources(root, "uneven")}
    with pytest.raises(DataError, match=r"set data\.features\.shape=\[REGIONS, NUMBERS\]"):
        made(config(root, features), listing_of(root))
    (root / "f" / "train.part.json").unlink()
    (root / "f" / "train.npy").unlink()
    store = made(config(root, {**features, "shape": [3, 3]}), listing_of(root))
    assert store.array[1].tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]


def test_other_sources_are_not_mixed(root: Path) -> None:
    features = {"path": root / "f", "source": sources(root, "folder")}
    made(config(root, features), listing_of(root))
    with pytest.raises(DataError, match=r"was made with source bottomup/\{split\}, and the config asks for source oth"):
        made(config(root, {**features, "source": "other"}), listing_of(root))


def test_devices(of_map: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(accelerator: str) -> str:
        whole = of_map()
        trainer = whole.trainer.model_copy(update={"accelerator": accelerator})
        return device_of(whole.model_copy(update={"trainer": trainer})).type

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert [asked(name) for name in ("auto", "gpu", "cpu", "mps")] == ["cuda", "cuda", "cpu", "cpu"]
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert [asked(name) for name in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(ConfigError, match=r"trainer\.accelerator: is gpu, and there is no GPU here"):
        asked("gpu")


def test_no_folder_and_other_tasks(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.features\.path: is null; set it to the folder"):
        made(config(root, {}), listing_of(root))
    section = {"format": "folder", "root": root}
    other = Config.model_validate({"name": "x", "task": {"name": "classify"}, "data": section})
    with pytest.raises(ConfigError, match=r"task\.name: is classify, and features of regions are what caption learns"):
        made(other, listing_of(root))
