"""From a file and ``key=value`` to a Config: values, paths, and what may be overridden."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path, PurePath
from typing import Any

import pytest

import saccade.config
from saccade.config import Config, load, preset_names, with_overrides
from saccade.config.load import PATH_KEYS
from saccade.config.shape import all_keys, shape_at
from saccade.errors import ConfigError

MINIMAL = "name: x\ntask: {name: multilabel}\ndata: {format: voc, root: images}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SACCADE_DATA", raising=False)


def written(text: str, name: str = "my.yaml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_under_its_name(name: str):
    config = load(name)
    assert config.name == name
    start, _, end = name.partition("-")
    end, _, _ = end.partition("-")  # such as the network of coco-caption-lstm
    named = end in (
        "classify",
        "multilabel",
        "segment",
        "caption",
        "spot",
    )  # the others are called after data and network
    start = {"small": "voc" if end == "multilabel" else "folder"}.get(start, start)
    kinds = {("voc", "segment"): ("voc2007", "camvid"), ("icdar", "spot"): ("icdar", "sroie")}
    others = next((kind for kind, starts in kinds.items() if start in starts), ("folder", "classify"))
    assert (config.data.format, config.task.name) == ((start, end) if named else others)
    assert config.data.root.is_absolute()


def test_the_preset_that_names_another_task_leaves_the_task_section_of_its_parent_behind():
    assert load("scenes-multilabel").task.name == "multilabel"
    config = load("scenes-multilabel", ["task.name=classify"])
    assert config.task == load("scenes-classify").task
    assert config.optim == load("scenes-classify").optim


def test_a_config_of_another_task_is_advised_against_where_it_does_not_fit() -> None:
    with pytest.raises(ConfigError, match=r"model\.encoder") as caught:
        load("scenes-caption", ["task.name=classify"])
    last = str(caught.value).splitlines()[-1]
    assert last == "scenes-caption is a config for task.name=caption; start from one for classify instead"
    with pytest.raises(ConfigError) as caught:  # a misspelt task is no other task
        load("scenes-caption", ["task.name=clasify"])
    assert "is a config for" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("my.yaml", MINIMAL + "optim: {lr: 2e-5}\nmodel: {pretrained: yes}\n"),
        ("my.json", '{"name": "x", "task": {"name": "multilabel"},\n'
         '"data": {"format": "voc", "root": "images"},\n'
         '"optim": {"lr": 2e-5}, "model": {"pretrained": true}}'),
        ("my.toml", 'name = "x"\ntask.name = "multilabel"\n[data]\nformat = "voc"\nroot = "images"\n'
         "[optim]\nlr = 2e-5\n[model]\npretrained = true\n"),
    ],
)  # fmt: skip
def test_yaml_json_and_toml_say_the_same(name: str, text: str):
    config = load(written(text, name))
    assert config == load(written(MINIMAL), ["optim.lr=2e-5", "model.pretrained=true"])
    assert config.optim.lr == 2e-5
    assert config.model.pretrained is True


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("optim.lr=2e-5", 2e-5),
        ("data.classes=[a, no]", ("a", "no")),
        ("data.classes=null", None),
        ("model.pretrained=no", False),
        ("model.pretrained=on", True),
        ("trainer.max_epochs=1e1", 10),
        ("trainer.precision=bf16-mixed", "bf16-mixed"),
        ("trainer.devices=auto", "auto"),
        ("model.freeze=3", 3),
        ("data.delimiter=|", "|"),
        ("data.train=12:30", "12:30"),
        ('data.train="2012"', "2012"),
        ("data.augment.crop=null", None),
        ("data.augment.crop=[0.5, 1]", (0.5, 1.0)),
        ("task.class_weights={no: 2, 08: 1e-3}", {"no": 2.0, "08": 0.001}),
    ],
)
def test_values_of_overrides(override: str, value: object):
    found: Any = load(written(MINIMAL), [override])
    for part in override.partition("=")[0].split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


def test_a_config_does_not_change_after_loading():
    config = load(written(MINIMAL))
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 1  # type: ignore[misc]


def test_path_keys_are_all_keys_that_take_paths():
    def takes_a_path(key: tuple[str, ...]) -> bool:
        shape = shape_at(key) or {}
        return "'format': 'path'" in str(shape) and "properties" not in str(shape)

    assert [key for key in all_keys() if takes_a_path(key)] == list(PATH_KEYS)


def test_a_path_in_a_file_is_relative_to_that_file(tmp_path: Path):
    written(MINIMAL + "model: {weights: ../w/a.safetensors}\n", "base/parent.yaml")
    written("extends: ../base/parent.yaml\nseed: 3\n", "mine/child.yaml")
    config = load("mine/child.yaml")
    assert config.data.root == tmp_path / "base/images"
    assert config.model.weights == tmp_path / "w/a.safetensors"


def test_a_path_on_the_command_line_or_in_a_preset_is_relative_to_the_current_folder(tmp_path: Path):
    written(MINIMAL, "configs/my.yaml")
    assert load("configs/my.yaml", ["data.root=elsewhere"]).data.root == tmp_path / "elsewhere"
    assert load("scenes-multilabel").data.root == tmp_path / "data/scenes-multilabel"
    assert (
        load(written("extends: scenes-multilabel", "configs/b.yaml")).data.root == tmp_path / "data/scenes-multilabel"
    )


def test_home_and_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert load("voc-multilabel", ["data.root=~/VOC"]).data.root == tmp_path / "home/VOC"
    assert load("voc-multilabel", [f"data.root={tmp_path}/a/../b"]).data.root == tmp_path / "b"


def test_saccade_data_is_where_paths_are_looked_for_that_are_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shared = tmp_path / "shared"
    (shared / "images").mkdir(parents=True)
    monkeypatch.setenv("SACCADE_DATA", str(shared))
    path = written(MINIMAL, "configs/my.yaml")
    assert load(path).data.root == shared / "images"
    assert load(path, ["data.root=images"]).data.root == shared / "images"
    assert load(path, ["data.root=absent"]).data.root == tmp_path / "absent"
    assert load(path, ["data.root=../shared/images"]).data.root == tmp_path.parent / "shared/images"
    (tmp_path / "configs/images").mkdir()
    assert load(path).data.root == tmp_path / "configs/images"


def test_a_run_config_loads_from_its_path():
    path = written(MINIMAL, "runs/x/001/config.yaml")
    assert load(path).data.root == Path.cwd() / "runs/x/001/images"


def test_with_overrides_changes_what_is_allowed(tmp_path: Path):
    config = load(written(MINIMAL, "runs/x/001/config.yaml"))
    other = with_overrides(config, ["data.root=other", "loader.workers=0"], ["data.root", "loader"])
    assert other.data.root == tmp_path / "other"
    assert other.loader.workers == 0
    assert other.model_copy(update={"data": config.data, "loader": config.loader}) == config
    assert with_overrides(config, []) == config
    assert with_overrides(config, ["optim.lr=1"]).optim.lr == 1.0


def test_with_overrides_refuses_the_rest_in_one_message():
    config = load("voc-multilabel")
    with pytest.raises(ConfigError) as error:
        with_overrides(config, ["optim.lr=1", "loader.workers=-1", "seed"], ["data.root", "loader"])
    assert str(error.value) == (
        "3 mistakes in the config:\n"
        "  command line: optim.lr cannot be changed here; what can be is data.root, loader\n"
        "  command line: found 'seed' without a =; write key=value, such as trainer.max_epochs=5\n"
        "  loader.workers (command line): found -1; allowed: a whole number >= 0 or auto"
    )


def test_importing_and_loading_a_config_imports_neither_torch_nor_tables():
    code = (
        "import sys, saccade.config as c; c.dump(c.load('voc-multilabel')); c.schema(); "
        "heavy = {'torch', 'lightning', 'numpy', 'polars', 'PIL', 'timm', 'rich', 'typer'}; "
        "print(sorted({m.partition('.')[0] for m in sys.modules} & heavy))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(saccade.config.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "[]"


def test_configs_are_equal_when_their_values_are():
    first, second = load(written(MINIMAL)), load(written(MINIMAL + "seed: 0\n"))
    assert isinstance(first, Config)
    assert first == second
    assert first != load(written(MINIMAL + "seed: 1\n"))
    assert isinstance(first.data.root, PurePath)
