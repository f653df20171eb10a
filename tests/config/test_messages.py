"""The texts that users read when a config is wrong: pinned, since they are part of the program."""

# ruff: noqa: E501 (a text is easier to compare in one piece)
from __future__ import annotations

from pathlib import Path

import pytest

from saccade.config import load
from saccade.config.data_section import Data, MeanStd
from saccade.config.messages import EXAMPLES
from saccade.config.nodes import dotted
from saccade.config.schema import Config
from saccade.config.shape import full_shape
from saccade.errors import ConfigError

GOOD = "name: x\ntask: {name: multilabel}\ndata: {format: voc, root: images}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def message(text: str, *overrides: str, name: str = "my.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(name, overrides)
    return str(error.value)


def test_all_mistakes_of_a_file_its_parent_and_the_command_line_at_once():
    Path("parent.yaml").write_text("lr: 1\ndata:\n  val: 2012\n  image_size: 4\n")
    text = """extends: parent.yaml
name: my run
epochs: 5
task:
  name: multilabel
  los: bce
  class_weights: {cat: -1, dog: 2}
data:
  format: vok
  classes:
    - cat
    - no
    - true
    - 1e3
    -
  resize: crop
  resize: squash
model: resnet50
trainer:
  precision: "32"
"""
    assert message(text, "optim.learning_rate=fast", "loader.batch_size=0", "seed") == (
        """18 mistakes in the config:
  name (my.yaml, line 2): found "my run"; allowed: a name of letters, digits, '.', '_' and '-' that begins with a letter or digit
  epochs (my.yaml, line 3): there is no such key; did you mean trainer.max_epochs?
  task.los (my.yaml, line 6): there is no such key; did you mean task.loss?
  task.class_weights.cat (my.yaml, line 7): found -1; allowed: a number > 0
  data.root (my.yaml, line 8): missing; add it to section data, for example `root: path/to/images`
  data.format (my.yaml, line 9): found "vok"; allowed: voc, folder, table, masks, coco, karpathy, icdar, sroie, mmocr, or scenes; did you mean voc?
  data.classes[2] (my.yaml, line 13): found true; allowed: a text; if true is meant as a text, put it in quotes: "true"
  data.classes[3] (my.yaml, line 14): found 1e3; allowed: a text; if 1e3 is meant as a text, put it in quotes: "1e3"
  data.classes[4] (my.yaml, line 15): found nothing; allowed: a text
  data.resize (my.yaml, line 17): given twice; it stands in line 16 already; keep one of the two
  model (my.yaml, line 18): found "resnet50"; allowed: a section with name, pretrained, weights, ...; write model: {name: resnet50}
  trainer.precision (my.yaml, line 20): found "32"; allowed: 32, 16-mixed, or bf16-mixed; write 32 without quotes
  lr (parent.yaml, line 1): there is no such key; did you mean optim.lr?
  data.val (parent.yaml, line 3): found 2012; allowed: a text or null; if 2012 is meant as a text, put it in quotes: "2012"
  data.image_size (parent.yaml, line 4): found 4; allowed: a whole number >= 8 or a list of 2 whole numbers >= 8
  command line: found 'seed' without a =; write key=value, such as trainer.max_epochs=5
  loader.batch_size (command line): found 0; allowed: a whole number >= 1
  optim.learning_rate (command line): there is no such key; did you mean optim.lr?"""
    )


def test_a_single_mistake_is_a_single_line():
    assert message(GOOD + "sead: 1\n") == "sead (my.yaml, line 4): there is no such key; did you mean seed?"


def test_an_empty_file_says_what_a_config_needs():
    assert message("") == (
        "3 mistakes in the config:\n"
        "  name (my.yaml): missing; add it, for example `name: my-first-run`\n"
        "  task (my.yaml): missing; add it, for example `task: {name: multilabel}`\n"
        "  data (my.yaml): missing; add it, for example `data: {format: folder, root: path/to/images}`"
    )


def test_a_section_without_what_it_needs():
    assert message("name: x\ntask: {}\ndata: {format: voc}\n", "data.image_size=32") == (
        "2 mistakes in the config:\n"
        "  task.name (my.yaml, line 2): missing; add it to section task, for example `name: multilabel`\n"
        "  data.root (my.yaml, line 3): missing; add it to section data, for example `root: path/to/images`"
    )


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("model: {freeze: true}", "model.freeze (my.yaml, line 4): found true; allowed: none, backbone, or a whole number >= 1"),
        ("seed: no", 'seed (my.yaml, line 4): found "no"; allowed: a whole number >= 0 and < 4294967296'),
        ("seed:", "seed (my.yaml, line 4): found nothing; allowed: a whole number >= 0 and < 4294967296"),
        ("optim: {lr: [1]}", "optim.lr (my.yaml, line 4): found [1]; allowed: a number > 0"),
        ("optim: {lr: .nan}", "optim.lr (my.yaml, line 4): found .nan; allowed: a number > 0"),
        ("optim: {lr: .inf}", "optim.lr (my.yaml, line 4): found .inf; allowed: a number > 0"),
        ("optim: {name: adamW2}", 'optim.name (my.yaml, line 4): found "adamW2"; allowed: sgd, adam, or adamw; '
         "did you mean adamw?"),
        ("optim: {step_epochs: 30}", "optim.step_epochs (my.yaml, line 4): found 30; allowed: a list of whole numbers >= 1; "
         "for a list of one write [30]"),
        ("optim: {zzz: 1}", "optim.zzz (my.yaml, line 4): there is no such key; optim has name, lr, weight_decay, momentum, "
         "schedule, warmup_epochs, step_epochs, gamma, patience, ema"),
        ("zzz: 1", "zzz (my.yaml, line 4): there is no such key; there are name, seed, task, data, loader, model, optim, "
         "trainer, log, explain"),
        ("trainer: [1]", "trainer (my.yaml, line 4): found [1]; allowed: a section with max_epochs, precision, accelerator, ..."),
        ("log: {wandb: 12}", "log.wandb (my.yaml, line 4): found 12; allowed: a text or null; "
         'if 12 is meant as a text, put it in quotes: "12"'),
        ("model: {weights: ''}\nname2: 1", "name2 (my.yaml, line 5): there is no such key; did you mean name?"),
    ],
)  # fmt: skip
def test_one_wrong_value(lines: str, text: str):
    assert message(GOOD + lines + "\n") == text


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("data.classes=cat", 'data.classes (command line): found "cat"; allowed: a list of texts or null; '
         "for a list of one write [cat]"),
        ("data.classes=[a, null]", "data.classes[1] (command line): found null (nothing); allowed: a text; "
         'if null is meant as a text, put it in quotes: "null"'),
        ("data.classes=[a, '']", 'data.classes[1] (command line): found ""; allowed: a text; it must not be empty'),
        ("data.classes=[]", "data.classes (command line): is empty; name the classes, or set it to null to take those "
         "of the data"),
        ("data.classes=[a, b, a]", "data.classes (command line): 'a' is named more than once; name each class once"),
        ("data.train=2012", "data.train (command line): found 2012; allowed: a text; "
         "if 2012 is meant as a text, put it in quotes: 'data.train=\"2012\"'"),
        ("data.normalize=imagnet", 'data.normalize (command line): found "imagnet"; allowed: imagenet, measured, or '
         "a section with mean, std; did you mean imagenet?"),
        ("data.normalize={mean: [0, 0, 0]}", "data.normalize.std (command line): missing; add it to section "
         "data.normalize, for example `std: [0.229, 0.224, 0.225]`"),
        ("data.normalize={mean: [0, 0], std: [1, 1, 1]}", "data.normalize.mean (command line): found [0, 0]; "
         "allowed: a list of 3 numbers"),
        ("data.augment=null", "data.augment (command line): found null (nothing); allowed: a section with crop, flip, "
         "vertical_flip, ...; leave data.augment out to keep what it has"),
        ("data.augment.crop=0.3", "data.augment.crop (command line): found 0.3; allowed: a list of 2 numbers from 0 to 1 "
         "or null"),
        ("data.augment.crop=[1, 0.5]", "data.augment.crop (command line): found [1.0, 0.5]; allowed: [low, high] with "
         "0 < low <= high <= 1, or null"),
        ("optim=sgd", 'optim (command line): found "sgd"; allowed: a section with name, lr, weight_decay, ...; '
         "write optim.name=sgd"),
        ("task.top_k=3", "task.top_k (command line): a key of task classify, and task.name is multilabel"),
        ("task.name=multi-label", 'task.name (command line): found "multi-label"; allowed: multilabel, classify, segment, caption, or spot; '
         "did you mean multilabel?"),
        ("trainer.precision=bf16", 'trainer.precision (command line): found "bf16"; allowed: 32, 16-mixed, or bf16-mixed; '
         "did you mean bf16-mixed?"),
        ("trainer.max_time=60", "trainer.max_time (command line): found 60; allowed: a time such as 90s, 7min or 1.5h "
         "or null; write 60s or 60min or 60h"),
        ("trainer.precision=16", "trainer.precision (command line): found 16; allowed: 32, 16-mixed, or bf16-mixed"),
        ("data.root=~nobody-of-this-name/x", 'data.root (command line): found "~nobody-of-this-name/x", and there is no '
         "home folder of that name"),
        ("data.root=5", "data.root (command line): found 5; allowed: a path; if 5 is meant as a text, put it in quotes: "
         "'data.root=\"5\"'"),
        ("data.on_error=" + "x" * 100, 'data.on_error (command line): found "' + "x" * 60 + '..."; allowed: stop or skip'),
    ],
)  # fmt: skip
def test_one_wrong_override(override: str, text: str):
    assert message(GOOD, override) == text


def test_rules_over_several_keys_point_at_the_key_to_change():
    text = """extends: voc-multilabel
task:
  loss: focal
  positive_weights: balanced
model:
  weights: x
"""
    assert message(text, "optim.schedule=onecycle").splitlines()[1:] == [
        "  task.positive_weights (my.yaml, line 4): works with task.loss=bce only, and task.loss is focal; "
        "set task.positive_weights=none or task.loss=bce",
        f"  model.pretrained (preset voc-multilabel, line {_preset_line('pretrained: true')}): is true, and "
        "model.weights is set too; set model.pretrained=false to use that file",
        f"  optim.warmup_epochs (preset voc-multilabel, line {_preset_line('warmup_epochs: 1')}): is 1, and "
        "optim.schedule=onecycle has a warm-up of its own; set optim.warmup_epochs=0",
    ]


def _preset_line(text: str) -> int:
    from saccade.config import preset_text

    return next(i for i, line in enumerate(preset_text("voc-multilabel").splitlines(), 1) if text in line)


def test_every_key_without_a_default_has_an_example():
    required = {"task.name", *full_shape()["required"]}
    for name, section in (("data", Data), ("data.normalize", MeanStd)):
        required |= {f"{name}.{key}" for key, field in section.model_fields.items() if field.is_required()}
    assert set(EXAMPLES) == required
    assert {key for key, field in Config.model_fields.items() if field.is_required()} <= required


def test_a_json_config_is_told_the_same_way():
    text = '{"name": "x",\n "task": {"name": "classify", "los": 1},\n "data": {"format": "voc", "root": "r",\n "classes": ["a", 3]}}'
    assert message(text, name="my.json") == (
        "2 mistakes in the config:\n"
        "  task.los (my.json, line 2): there is no such key; did you mean task.loss?\n"
        '  data.classes[1] (my.json, line 4): found 3; allowed: a text; if 3 is meant as a text, put it in quotes: "3"'
    )


def test_dotted_keys_read_as_they_are_written():
    assert dotted(("data", "classes", 3)) == "data.classes[3]"
