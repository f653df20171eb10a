"""What is dumped loads to an equal Config, whatever the names in it."""

# ruff: noqa: E501 (the list of names is easier to scan in few lines)
from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from saccade.config import Config, dump, load, preset_names
from saccade.config.data_section import Data, MeanStd
from saccade.config.fields import Section

NASTY = [
    "no", "yes", "on", "off", "y", "N", "null", "~", "true", "False", "1e3", "2e-5", "1.0", "08", "0x1F", "0o17", "0b1",
    "1_000", ".inf", "-.INF", ".nan", "+1", "12:30", "2024-01-01", "2001-12-14t21:59:43.10-05:00", "a: b", "a #b", "#x",
    "- a", "-", "?", ":", "a:", "[a]", "{a}", "a, b", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a`", "'", '"', "it's",
    "\\n", "a\nb", "\n", " ", " a", "a ", "\ta", "a\tb", "Müller", "ß", "日本語", "🐈", "\u00a0", "\u2028", "\x85", "\ufeff",
    "\x00", "\x07", "\r\n", "=", "<<", "...", "---", "x" * 300, "long " * 60,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SACCADE_DATA", raising=False)


def reloaded(config: Config, folder: Path, relative: bool) -> Config:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(dump(config, folder if relative else None), encoding="utf-8")
    return load(path)


def with_classes(classes: list[str]) -> Config:
    config = load("voc-multilabel")
    weights: dict[str, float] = {name: 1.0 + i / 3 for i, name in enumerate(classes)}
    data = config.data.model_copy(update={"classes": tuple(classes), "train": classes[0], "delimiter": classes[-1]})
    return config.model_copy(update={"data": data, "task": config.task.model_copy(update={"class_weights": weights})})


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("name", preset_names())
def test_every_preset_comes_back(name: str, relative: bool, tmp_path: Path):
    config = load(
        name, ["model.weights=~/weights/a b.safetensors", "model.pretrained=false", "model.zero_init_last=false"]
    )
    assert reloaded(config, tmp_path / "runs" / name / "001", relative) == config


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_class_name_comes_back(name: str, tmp_path: Path):
    config = with_classes([name, f"{name} {name}", "cat"])
    assert reloaded(config, tmp_path, relative=True) == config


def test_many_random_names_come_back(tmp_path: Path):
    rng = random.Random(0)
    alphabet = "aeno01.:-+~#,'\"[]{}&*!|>%@` \t\n\\=?_xXäß日🐈"
    names = {"".join(rng.choices(alphabet, k=rng.randint(1, 8))) for _ in range(1500)}
    config = with_classes(sorted({*names, *NASTY}))
    assert reloaded(config, tmp_path, relative=False) == config


@pytest.mark.parametrize(
    "overrides",
    [
        ["data.normalize={mean: [0.1, 2e-7, -3], std: [1, 1e22, 0.3333333333333333]}"],
        ["data.augment={crop: null}", "task.focal_alpha=null", "data.val=null", "log.wandb=my project"],
        [
            "optim.step_epochs=[]",
            "trainer.devices=auto",
            "loader.workers=4",
            "model.freeze=2",
            "seed=4294967295",
        ],
        ["task.name=classify", "task.class_weights={true: 2, ~: 3}", "trainer.precision=16-mixed"],
    ],
)
def test_other_values_come_back(overrides: list[str], tmp_path: Path):
    config = load("voc-multilabel", overrides)
    assert reloaded(config, tmp_path, relative=True) == config


@pytest.mark.parametrize("root", ["~x", "./~", "#a", "a: b", "no", "a b/ü", "..", ".", "12", "null"])
def test_folders_with_nasty_names_come_back(root: str, tmp_path: Path):
    config = load("voc-multilabel")
    config = config.model_copy(update={"data": config.data.model_copy(update={"root": tmp_path / "here" / root})})
    again = reloaded(config, tmp_path / "here", relative=True)
    assert again.data.root == Path(str(tmp_path / "here")).joinpath(root).resolve()


def test_paths_are_written_relative_with_forward_slashes(tmp_path: Path):
    config = load("voc-multilabel", [f"data.root={tmp_path}/VOC", "model.pretrained=false", "model.weights=w/a.pt"])
    values = yaml.safe_load(dump(config, tmp_path / "runs/x/001"))
    assert values["data"]["root"] == "../../../VOC"
    assert values["model"]["weights"] == "../../../w/a.pt"
    assert yaml.safe_load(dump(config, None))["data"]["root"] == (tmp_path / "VOC").as_posix()


def test_the_dump_is_complete_and_in_the_order_of_the_schema():
    config = load("scenes-multilabel", ["data.augment={crop: null, flip: 0.5}", "optim.step_epochs=[30, 60]"])
    values = yaml.safe_load(dump(config))
    assert_order(values, config)
    assert dump(config).startswith("name: scenes-multilabel\nseed: 0\n\ntask:\n  name: multilabel\n  loss: bce\n")
    assert "\n  augment:\n    crop: null\n    flip: 0.5\n" in dump(config)
    assert "\n  step_epochs: [30, 60]\n" in dump(config)


def assert_order(values: dict[str, Any], section: Section) -> None:
    assert list(values) == list(type(section).model_fields)
    for key, value in values.items():
        inner = getattr(section, key)
        if isinstance(inner, Section):
            assert_order(value, inner)


def test_other_yaml_readers_see_the_same_names():
    """The dump quotes what YAML 1.1 would misread, so that PyYAML's own reader agrees."""
    names = [name for name in NASTY if name.isprintable()]
    config = with_classes(names)
    assert yaml.safe_load(dump(config))["data"]["classes"] == names


def test_given_statistics_are_a_section():
    data = Data(format="voc", root=Path("x"), normalize=MeanStd(mean=(0, 0, 0), std=(1, 1, 1)))
    config = load("voc-multilabel").model_copy(update={"data": data})
    assert "\n  normalize:\n    mean: [0.0, 0.0, 0.0]\n    std: [1.0, 1.0, 1.0]\n" in dump(config)
