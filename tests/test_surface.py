"""The public surface, frozen: commands and flags, config keys, Python names. A change here is a change for users."""

from __future__ import annotations

import subprocess
import sys

import typer

import saccade
from saccade.cli import app
from saccade.config.schema import Config

COMMANDS = {
    "train": ["--config", "--name", "--resume", "--runs", "words"],
    "evaluate": ["--checkpoint", "--json", "--split", "overrides", "run"],
    "predict": ["--checkpoint", "--output", "paths", "run"],
    "explain": [
        "--checkpoint",
        "--colours",
        "--fill",
        "--json",
        "--layer",
        "--margin",
        "--method",
        "--patch",
        "--stride",
        "--target",
        "--top",
        "paths",
        "run",
    ],
    "browse": ["--no-open", "--port", "--split", "overrides", "run"],
    "report": ["overrides", "run"],
    "convert": ["--checkpoint", "--compensate", "--json", "--to", "overrides", "run"],
    "presets": ["name"],
    "config check": ["--config", "words"],
    "config show": ["--config", "words"],
    "config schema": [],
    "data check": ["--config", "words"],
    "data stats": ["--config", "words"],
    "data prepare": ["--from", "--to", "name"],
    "data fetch": ["--to", "name"],
    "data features": ["--config", "--verify", "words"],
    "find-lr": ["--config", "--runs", "words"],
    "score captions": ["--json", "--partial", "references", "results"],
    "score spotting": ["--confidences", "--json", "--lexicon", "ground_truth", "results"],
    "summary": ["--all", "--classes", "--config", "--depth", "--json", "words"],
}

KEYS = """
name seed
task.name task.loss
data.format data.root data.train data.val data.test data.val_fraction data.holdout data.classes
data.class_names data.image_size data.longer_side
data.resize data.resize_crop data.normalize data.augment.crop data.augment.flip data.augment.vertical_flip
data.augment.pad data.augment.rotate data.augment.longer_side data.augment.stretch
data.augment.size data.augment.scale data.augment.jitter
data.augment.randaugment data.augment.randaugment_magnitude data.augment.mixup
data.augment.cutmix data.progressive data.folds data.fold data.on_error data.table
data.path_column data.label_columns data.delimiter data.split_column
data.images data.captions data.features.path data.features.network data.features.pretrained data.features.weights
data.features.regions data.features.size data.features.pool data.features.source data.features.shape data.features.made
data.void data.void_id data.colours data.void_colour data.palette data.mask_suffix
data.scenes.train data.scenes.val data.scenes.size data.scenes.seed data.scenes.characters
data.scenes.sheets
loader.batch_size loader.sampler loader.workers
model.name model.pretrained model.weights model.head model.init model.init_fan model.norm model.zero_init_last
model.freeze model.backbone_lr model.drop_rate model.cache_features model.encoder model.depth model.width
model.layers model.embedding model.hidden model.fused model.reach model.max_width model.convert model.compensate
optim.name optim.lr optim.weight_decay optim.momentum optim.schedule optim.warmup_epochs optim.step_epochs
optim.gamma optim.patience optim.ema
trainer.max_epochs trainer.precision trainer.accelerator trainer.devices trainer.early_stopping
trainer.gradient_clip trainer.accumulate trainer.deterministic trainer.max_time trainer.keep_checkpoints
trainer.check_val_every_n_epoch trainer.limit_batches trainer.overfit_batches trainer.fast_dev_run
trainer.log_gpu_memory trainer.monitor
log.wandb log.wandb_mode log.filters_every
explain.patch explain.stride explain.fill
""".split()

MULTILABEL_KEYS = """
task.class_weights task.positive_weights task.focal_gamma task.focal_alpha task.asymmetric_gamma_negative
task.asymmetric_gamma_positive task.asymmetric_clip task.threshold
""".split()

CLASSIFY_KEYS = """
task.class_weights task.effective_beta task.focal_gamma task.label_smoothing task.top_k task.positive task.threshold
""".split()

SEGMENT_KEYS = """
task.class_weights task.effective_beta task.focal_gamma task.label_smoothing task.auxiliary
task.score_size task.window task.flip
""".split()

CAPTION_KEYS = """
task.vocabulary task.min_count task.label_smoothing task.scheduled_sampling
task.concepts task.chunk task.samples task.baseline
task.beam task.length_penalty task.length_alpha task.max_length task.block_repeats task.block_ngrams
""".split()

SPOT_KEYS = """
task.name task.alphabet task.score_loss task.geometry task.angle task.reading task.shrink task.min_side
task.threshold task.merge_iou task.nms_iou task.min_score task.max_places task.max_words task.margin
task.lexicon
""".split()


def names(command: object) -> list[str]:
    found = []
    for parameter in command.params:  # type: ignore[attr-defined]
        options = [option for option in parameter.opts if option.startswith("--")]
        if "--help" not in options:
            found.append(options[0] if options else parameter.name)
    return sorted(found)


def test_commands_and_flags() -> None:
    group = typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            found |= {f"{name} {inner}": names(each) for inner, each in command.commands.items()}
        else:
            found[name] = names(command)
    assert found == COMMANDS


def test_every_command_has_help_with_an_example() -> None:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        for each in getattr(command, "commands", {name: command}).values():
            assert each.help, each.name
            assert each.epilog.startswith("Example: saccade "), each.name


def keys(value: object, above: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {above}
    return {key for name, inner in value.items() for key in keys(inner, f"{above}.{name}" if above else name)}


def config(task: str) -> dict[str, object]:
    formats = {"segment": "masks", "caption": "coco", "spot": "icdar"}
    data = {"format": formats.get(task, "folder"), "root": "x"}
    return Config.model_validate({"name": "x", "task": {"name": task}, "data": data}).model_dump()


def test_config_keys() -> None:
    assert keys(config("multilabel")) == {*KEYS, *MULTILABEL_KEYS}
    assert keys(config("classify")) == {*KEYS, *CLASSIFY_KEYS}
    assert keys(config("segment")) == {*KEYS, *SEGMENT_KEYS}
    assert keys(config("caption")) == {*KEYS, *CAPTION_KEYS}
    assert keys(config("spot")) == {*KEYS, *SPOT_KEYS} - {"task.loss"}


def test_python_names_are_those_of_the_commands() -> None:
    assert sorted(saccade.__all__) == [
        "Config", "Run", "SaccadeError", "browse", "convert", "data_check", "data_features", "data_fetch",
        "data_prepare", "data_stats", "evaluate", "explain", "find_lr", "load", "predict", "presets", "report",
        "score_captions", "score_spotting", "summary", "train",
    ]  # fmt: skip
    for name in saccade.__all__:
        assert callable(getattr(saccade, name)), name
    assert {"evaluate", "predictions", "predict", "report", "browse", "open"} <= set(dir(saccade.Run))


def test_a_command_that_is_called_like_a_room_is_the_command_whatever_was_imported_before() -> None:
    program = (
        "import saccade\n"
        "from saccade.explain.options import Options\n"
        "import saccade.report.write, saccade.browse\n"
        "assert all(type(f).__name__ == 'function' for f in (saccade.explain, saccade.report, saccade.browse))\n"
        "assert saccade.surgery.__name__ == 'saccade.surgery'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
