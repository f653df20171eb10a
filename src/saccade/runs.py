"""The run folder: the only place that knows the names inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Self

import polars as pl
from filelock import FileLock, Timeout

from saccade.errors import RunError
from saccade.files import to_json, write_json, write_text, written_aside

FOLDS = "folds"
"""The folder in a cross-validated run that holds a run folder for each fold."""


@dataclass(frozen=True)
class Evaluation:
    """One scored split of a run: ``evaluation/<name>/``."""

    path: Path

    @property
    def name(self) -> str:
        """Name of the folder: the split, and where they are not the run's own, the data set and checkpoint."""
        return self.path.name

    @property
    def metrics_file(self) -> Path:
        """``metrics.json``: split, n, classes, metrics, per_class."""
        return self.path / "metrics.json"

    @property
    def predictions_file(self) -> Path:
        """``predictions.parquet``: one row an image, raw scores."""
        return self.path / "predictions.parquet"

    def metrics(self) -> dict[str, Any]:
        """What ``metrics.json`` holds."""
        return _read_json(self.metrics_file)

    def about(self) -> dict[str, Any]:
        """What ``about.json`` holds: checkpoint, epoch, data root, and how each number was pooled."""
        return _read_json(self.path / "about.json")

    def predictions(self) -> pl.DataFrame:
        """The predictions, one row an image, in the order of the split.

        Raises:
            RunError: the file is missing or damaged.
        """
        if not self.predictions_file.is_file():
            raise RunError(f"{self.predictions_file}: not found; make it with `saccade evaluate`")
        try:
            return pl.read_parquet(self.predictions_file)
        except pl.exceptions.PolarsError:
            raise RunError(
                f"{self.predictions_file}: not a Parquet file; make it again with `saccade evaluate`"
            ) from None

    def write(
        self,
        metrics: Mapping[str, Any],
        predictions: pl.DataFrame,
        about: Mapping[str, Any],
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        """Write all files or, on an error, none: an earlier evaluation then stays whole.

        ``files``: further files by their path in the folder. ``metrics.json`` appears last, so that where it stands the
        others do too.
        """
        rows = [{"class": name, **values} for name, values in metrics["per_class"].items()]
        own = (self.metrics_file, self.path / "about.json", self.path / "per_class.csv", self.predictions_file)
        with ExitStack() as stack:
            # renamed when all are written, in the opposite order
            numbers, told, table, raw = [stack.enter_context(written_aside(file)) for file in own]
            numbers.write_text(to_json(metrics), encoding="utf-8")
            told.write_text(to_json(about), encoding="utf-8")
            pl.DataFrame(rows, infer_schema_length=None).write_csv(table)
            # small groups: who looks at one row, as the browser does, reads few others
            predictions.write_parquet(raw, row_group_size=1000)
            for name, content in (files or {}).items():
                stack.enter_context(written_aside(self.path / name)).write_bytes(content)


@dataclass(frozen=True)
class Explanation:
    """What one call of ``saccade explain`` found: ``explanations/<method>/<number>/``."""

    path: Path

    def about(self) -> dict[str, Any]:
        """What ``about.json`` holds: method, settings, checkpoint, and an entry for each picture."""
        return _read_json(self.path / "about.json")

    def words(self) -> str:
        """Of which checkpoint it is, and what was asked for."""
        about = self.about()
        asked = {"target": about.get("target"), "layers": ", ".join(about.get("layers", [])) or None}
        said = [f"{key} {value}" for key, value in (asked | about.get("options", {})).items() if value is not None]
        return " · ".join([f"{about.get('checkpoint')}, epoch {about.get('epoch')}", *said])

    def pictures(self) -> list[tuple[str, str]]:
        """The names of the pictures in the folder, and what each shows."""
        return [(PurePath(entry["picture"]).name, _said_of(entry)) for entry in self.about().get("found", [])]


@dataclass(frozen=True)
class Run:
    """A run folder, ``runs/<name>/<number>/``; everything in it is found through this class."""

    path: Path

    @classmethod
    def create(cls, parent: Path, name: str) -> Run:
        """Make the next numbered folder under ``parent/name``; two processes never get the same one."""
        (parent / name).mkdir(parents=True, exist_ok=True)
        taken = [int(p.name) for p in (parent / name).iterdir() if re.fullmatch(r"\d+", p.name)]
        number = max(taken, default=0) + 1
        while True:
            folder = parent / name / f"{number:03d}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
                continue
            return cls(folder)

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """The run at ``path``.

        Raises:
            RunError: there is no run folder; where ``path`` holds numbered runs, the newest is named.
        """
        folder = Path(path)
        if (folder / "config.yaml").is_file():
            return cls(folder)
        if not folder.is_dir():
            found = "a file, not a folder" if folder.is_file() else "no such folder"
            raise RunError(f"{folder}: {found}; name a run folder, such as runs/voc-multilabel/001")
        inside = [p.parent for p in folder.glob("*/config.yaml") if re.fullmatch(r"\d+", p.parent.name)]
        newest = max(inside, key=lambda p: int(p.name), default=None)
        hint = f"the newest run in it is {newest}" if newest else "it has no config.yaml"
        raise RunError(f"{folder}: not a run folder; {hint}")

    @property
    def config_file(self) -> Path:
        """``config.yaml``: the complete resolved config."""
        return self.path / "config.yaml"

    @property
    def environment_file(self) -> Path:
        """``environment.json``: versions, hardware, seed, and what was found in the data."""
        return self.path / "environment.json"

    @property
    def metrics_file(self) -> Path:
        """``metrics.jsonl``: one row an epoch."""
        return self.path / "metrics.jsonl"

    @property
    def report_file(self) -> Path:
        """``report.html``."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        """The folder of ``best.ckpt`` and ``last.ckpt``."""
        return self.path / "checkpoints"

    def checkpoint_of(self, epoch: int) -> Path:
        """The checkpoint of an epoch, counted from 1, where all are kept."""
        return self.checkpoints / f"epoch-{epoch:03d}.ckpt"

    @property
    def figures(self) -> Path:
        """The folder of pictures."""
        return self.path / "figures"

    def fold(self, number: int) -> Self:
        """The run folder of a fold, counted from 1, there or not."""
        return type(self)(self.path / FOLDS / str(number))

    def folds(self) -> list[Self]:
        """The folds of a cross-validated run that have been begun, in their order; of any other run none."""
        begun = (p.parent for p in (self.path / FOLDS).glob("*/config.yaml") if p.parent.name.isdecimal())
        return [type(self)(path) for path in sorted(begun, key=lambda path: int(path.name))]

    def whole(self) -> Self | None:
        """The cross-validated run of which this run is a fold; None for any other run."""
        above = self.path.resolve().parent
        return type(self)(above.parent) if above.name == FOLDS and (above.parent / "config.yaml").is_file() else None

    @property
    def title(self) -> str:
        """Name and number; of a fold, those of the whole run and which fold it is."""
        parts = self.path.resolve().parts
        return "/".join(parts[-4:] if self.whole() else parts[-2:])

    def evaluation(self, name: str) -> Evaluation:
        """The evaluation of that name, there or not."""
        return Evaluation(self.path / "evaluation" / name)

    def evaluations(self) -> list[Evaluation]:
        """All finished evaluations, by name."""
        return [Evaluation(p.parent) for p in sorted((self.path / "evaluation").glob("*/metrics.json"))]

    @property
    def explanations(self) -> Path:
        """The folder of what ``saccade explain`` makes: ``<method>/<number>/``, each with an ``about.json``."""
        return self.path / "explanations"

    def explained(self) -> list[Explanation]:
        """All finished explanations, by method, the newest first."""
        found = (p.parent for p in self.explanations.glob("*/*/about.json") if p.parent.name.isdecimal())
        return [Explanation(p) for p in sorted(found, key=lambda path: (path.parent.name, -int(path.name)))]

    def new_prediction_file(self) -> Path:
        """A free path ``predictions/<number>.parquet`` for what ``saccade predict`` finds."""
        folder = self.path / "predictions"
        taken = [int(p.stem) for p in folder.glob("*.parquet") if p.stem.isdigit()]
        return folder / f"{max(taken, default=0) + 1:03d}.parquet"

    def environment(self) -> dict[str, Any]:
        """What ``environment.json`` holds."""
        return _read_json(self.environment_file)

    def write_environment(self, environment: Mapping[str, Any]) -> None:
        """Write ``environment.json``."""
        write_json(self.environment_file, environment)

    def epochs(self) -> list[dict[str, Any]]:
        """The rows of ``metrics.jsonl``, one an epoch; empty before the first has ended.

        Raises:
            RunError: a row is damaged; a last one that was cut off while it was written is left out instead.
        """
        if not self.metrics_file.is_file():
            return []
        rows: list[dict[str, Any]] = []
        lines = self.metrics_file.read_text(encoding="utf-8").splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                if not line.endswith("\n"):
                    break
                raise RunError(f"{self.metrics_file}, line {number}: not valid JSON ({error})") from None
        return rows

    def append_epoch(self, row: Mapping[str, Any]) -> None:
        """Append one row to ``metrics.jsonl``."""
        with self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, allow_nan=False) + "\n")

    def keep_epochs(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace ``metrics.jsonl`` by ``rows``: a resumed run drops what came after its checkpoint."""
        write_text(self.metrics_file, "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in this folder; the lock goes with the process, however it ends.

        Raises:
            RunError: another process holds it.
        """
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RunError(
                f"{self.path}: another process is training in this run folder; wait for it, or start a new run"
            ) from None
        try:
            yield
        finally:
            lock.release()


def _said_of(entry: Mapping[str, Any]) -> str:
    targets = [f"{each['name']} {each['probability']:.3f}" for each in entry.get("targets", [])]
    return " · ".join(filter(None, [PurePath(entry.get("image", "")).name, entry.get("layer"), ", ".join(targets)]))


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RunError(f"{path}: not found; the run has not got that far")
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: not valid JSON ({error}); it was changed by hand or by another program") from None
    return value
