"""``saccade explain``: what in an image a run's answer rests on, and what its network has learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from saccade.commands.opening import CHANGEABLE, config_of
from saccade.commands.subject import subject_of
from saccade.config.schema import Config, Explain
from saccade.config.task_sections import SegmentTask
from saccade.console import progress_bar, say
from saccade.data.loose import find_images
from saccade.engine import trainer
from saccade.engine.evaluation import checkpoint_path, without_weights
from saccade.errors import ConfigError
from saccade.explain.explain import Explained, failed
from saccade.explain.explain import explain as explained
from saccade.explain.options import SETTINGS, Options, Request, check
from saccade.explain.pictures import probability
from saccade.runs import Run


def explain(
    run: Run | str | Path,
    paths: Sequence[str] = (),
    *overrides: str,
    method: str,
    target: str | None = None,
    layers: Sequence[str] = (),
    checkpoint: str | Path = "best",
    options: Options | None = None,
) -> Explained:
    """Write pictures, numbers and an ``about.json`` into ``explanations/<method>/<number>/`` of the run folder.

    Args:
        run: a run folder.
        paths: files, folders (searched to the bottom), and patterns; ``filters`` takes none.
        overrides: ``key=value`` of loader, trainer and explain.
        method: filters, features, occlusion, gradcam, integrated-gradients, or confused-logits.
        target: a class, or a word of the caption; None explains what the network says itself.
        layers: dotted names; none leaves it to the method.
        checkpoint: best, last, or a path.
        options: the numbers of a method; those that are None are the config's, if it has them.

    Raises:
        SaccadeError: a mistake in run folder, overrides or settings, or nothing that could be explained.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    request = Request(method, target, tuple(layers), options or Options())
    check(request)
    config = config_of(opened, overrides, changeable=(*CHANGEABLE, *_settings(method)))
    request = replace(request, options=request.options.filled(method, config.explain.model_dump()))
    _require_sense(config, method, opened)
    files = _files(method, paths)
    task, network = trainer.build_task(without_weights(config))
    about = trainer.load_network(task, network, path := checkpoint_path(opened, str(checkpoint)))
    with trainer.plain_errors(), progress_bar() as bar:
        subject, facts = subject_of(task.deciding(about), network), _facts(config, path, about)
        request = replace(request, progress=partial(bar.advance, bar.add_task(method, total=None)))
        found = explained(subject, files, request, opened.explanations, facts=facts)
    _say_what_is_left_out(found, len(files))
    return found


def _settings(method: str) -> list[str]:
    """The keys of the config that the method knows."""
    return [f"explain.{key}" for key in SETTINGS[method] if key in Explain.model_fields]


def _files(method: str, paths: Sequence[str]) -> list[str]:
    """The images that these paths name."""
    if method != "filters":
        return find_images(paths)
    if paths:
        raise ConfigError("--method: filters is about the network, not about images; leave them out")
    return []


def _facts(config: Config, path: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    return {"task": config.task.name, "checkpoint": path.name, "epoch": about["epoch"]}


def _say_what_is_left_out(found: Explained, n_files: int) -> None:
    for failure in found.failures:
        say(failed(failure))
    if clear := found.about.get("clear"):
        say(f"{len(clear)} of {n_files} images are not confused; about.json names them")


def _require_sense(config: Config, method: str, run: Run) -> None:
    """Refuse what means nothing for this run."""
    if config.data.cross_validates:
        raise ConfigError(
            f"{run.path}: is cross-validated, and its answer is the average of several networks; explain one of them, "
            f"such as {run.fold(1).path}"
        )
    if method == "confused-logits" and config.task.name != "classify":
        raise ConfigError(
            "--method: confused-logits is about an answer that is one of several classes, and the run's task is "
            f"{config.task.name}; use occlusion, gradcam or integrated-gradients"
        )
    if method != "filters" and config.data.features.path is not None:
        raise ConfigError(
            f"--method: {method} asks what in the image counts, and the network of this run sees stored features "
            "(data.features.path); `saccade browse` shows which regions it looks at"
        )
    if method != "filters" and isinstance(config.task, SegmentTask) and config.task.window:
        raise ConfigError(
            f"--method: {method} looks into one pass of an image through the network, and this run answers window by "
            "window (task.window); set task.window=false to look into the pass of a whole image at data.image_size"
        )


def explained_table(found: Explained) -> Table:
    """What was explained, and in which file it is."""
    of_images = any("image" in entry for entry in found.found)
    table = Table(*(["image"] if of_images else []), "explained", "picture")
    for entry in found.found:
        what = [f"{each['name']} {probability(each['probability'])}" for each in entry.get("targets", [])]
        layer = [entry["layer"]] if "layer" in entry else []
        table.add_row(*([entry["image"]] if of_images else []), Text("  ".join([*layer, *what])), entry["picture"])
    return table
