"""``saccade convert``: a run's network made into another one that computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.commands.opening import config_of
from saccade.config.dump import dump
from saccade.config.schema import Config
from saccade.console import say
from saccade.engine import trainer
from saccade.engine.evaluation import check_root, checkpoint_path, split_of, without_weights
from saccade.errors import ConfigError
from saccade.files import write_text
from saccade.nn.conversion import Conversion
from saccade.nn.standardize import Compensation
from saccade.runs import Run
from saccade.surgery.convert import LARGEST_RELATIVE, Surgery, convert_network, note, save_network
from saccade.tasks import TASKS


@dataclass(frozen=True)
class ConvertedRun:
    """A new run, and what became of the network of the old one."""

    run: Run
    surgery: Surgery


def convert(
    run: Run | str | Path,
    *overrides: str,
    to: Conversion,
    compensate: Compensation | None = None,
    checkpoint: str | Path = "best",
) -> ConvertedRun:
    """Convert the network of a run into a new run folder beside it, and compare both on the validation images.

    Args:
        run: a run folder; it stays as it is.
        overrides: ``key=value``: where the data are and on what to compute.
        to: what its convolutions become.
        compensate: for weight-standardized, what changes in BatchNorm; None: its statistics.
        checkpoint: best, last, or a path.

    Raises:
        SaccadeError: a mistake in run folder, overrides, data, or checkpoint; nothing in it can be converted; or the
            outputs are those of another network.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    config = config_of(opened, overrides)
    _refuse(opened, config, to, compensate)
    check_root(config)
    task, network = trainer.build_task(without_weights(config))
    path = checkpoint_path(opened, str(checkpoint))
    about = trainer.load_network(task, network, path)
    listing = split_of(opened, config, "val")
    surgery = convert_network(
        task, network, listing, to=to, compensate=compensate or "statistics", name=config.model.name
    )
    origin = {"run": opened.title, "checkpoint": path.name, "epoch": about["epoch"], "to": to}
    if to == "weight-standardized":
        origin["compensate"] = compensate or "statistics"
    new = _written(opened, config, surgery, about, origin)
    _warn(surgery.difference.relative)
    return ConvertedRun(new, surgery)


def _warn(relative: float) -> None:
    """Of a difference that is not the rounding of most networks."""
    if relative > LARGEST_RELATIVE:
        say(
            f"warning: the outputs differ by {relative:.1e} (relative, in norm), and rounding in float32 explains "
            f"{LARGEST_RELATIVE:.0e} of most networks; compare the scores of both runs before you use the new one"
        )


def _refuse(run: Run, config: Config, to: str, compensate: str | None) -> None:
    for option, given, allowed in (
        ("--to", to, ("weight-standardized", "folded")),
        ("--compensate", compensate or "statistics", ("statistics", "affine")),
    ):
        if given not in allowed:
            raise ConfigError(f"{option}: is {given}; choose {' or '.join(allowed)}")
    if compensate is not None and to != "weight-standardized":
        raise ConfigError(f"--compensate: is {compensate}, which --to weight-standardized alone knows; leave it out")
    if config.data.cross_validates:
        folds = ", ".join(str(fold.path) for fold in run.folds())
        raise ConfigError(f"{run.path}: is cross-validated, with a network for each fold; convert one of {folds}")
    before = config.model.convert
    if before in (to, "folded"):
        raise ConfigError(f"{run.path}: is {before} already; convert the run that it was made from")


def _written(run: Run, config: Config, surgery: Surgery, about: Mapping[str, Any], origin: dict[str, Any]) -> Run:
    """The new run folder: it needs nothing of the old one, and starts a training from its own weights."""
    home = (run.whole() or run).path.resolve()
    new = Run.create(home.parent.parent, home.parent.name)
    random = {"pretrained": False, "init": "default", "init_fan": "in", "zero_init_last": False}
    start = {"weights": new.checkpoints / "best.ckpt", "head": "keep"}
    kind = {"convert": origin["to"], "compensate": origin.get("compensate", "statistics")}
    model = config.model.model_copy(update=random | start | kind)
    task = TASKS[config.task.name](config.model_copy(update={"model": model}))
    write_text(new.config_file, dump(task.config_in(new.path), new.path))
    old, size = run.environment(), sum(parameter.numel() for parameter in surgery.network.parameters())
    changed = {"model": {**old["model"], "parameters": size}, "notes": [*old.get("notes", []), note(surgery, origin)]}
    new.write_environment({**old, **changed, "converted_from": origin})
    save_network(task, surgery.network, about, new.checkpoints)
    return new


def next_step(found: ConvertedRun) -> str:
    """What may be done with the new run."""
    run, origin = found.run, found.run.environment()["converted_from"]
    score = f"score it: saccade evaluate {run.path}"
    if origin["to"] == "folded":
        return f"{score}; it is for inference: a training would go on without BatchNorm"
    if origin["compensate"] == "affine":
        return f"{score}; to train on, convert with --compensate statistics: affine breaks down in training"
    return f"{score}; train on from it: saccade train {run.config_file} optim.lr=1e-4 trainer.max_epochs=5"


def as_document(found: ConvertedRun) -> Mapping[str, Any]:
    """What ``--json`` prints."""
    apart = found.surgery.difference
    return {
        "run": str(found.run.path),
        "converted": list(found.surgery.converted),
        "refused": [{"name": name, "reason": reason} for name, reason in found.surgery.refused.items()],
        "max_abs": apart.max_abs,
        "mean_abs": apart.mean_abs,
        "relative": apart.relative,
    }
