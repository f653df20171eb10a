"""The order of imports, who may use which library, and how long files and functions get, read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "saccade"

ROWS = (
    ("errors", "files", "console", "quads", "overlap_compiled"),
    ("config", "samples", "runs", "overlap"),
    ("data", "nn", "losses", "metrics", "decode", "draw"),
    ("tasks",),
    ("engine",),
    ("surgery", "explain", "export", "report", "browse"),
    ("commands",),
    ("api", "cli"),
    ("saccade",),  # the package itself: it hands out what api holds
)
"""Lowest first. A room imports itself and rooms of earlier rows; those of its own row leave each other alone."""
ROW = {room: number for number, row in enumerate(ROWS) for room in row}

ONLY = {
    "lightning": {"engine"},
    "pytorch_lightning": {"engine"},
    "matplotlib": {"report", "explain"},
    "captum": {"explain"},
    "numba": {"overlap_compiled"},
    "subprocess": {"engine"},  # nothing is built by a compiler, or by make, when it is imported
    "fastapi": {"browse"},
    "starlette": {"browse"},
    "uvicorn": {"browse"},
    "jinja2": {"browse", "report"},
    "saccade.config": {"config", "tasks", "engine", "commands", "api", "cli"},
}
"""Who may import what; libraries that are not named here are open to all."""

FILE_LINES = 500
FUNCTION_LINES = 50
LONG_FUNCTION_LINES = 40
LONG_FUNCTIONS: dict[str, str] = {}
"""``room/file.py:function`` of those between the two limits: why cutting them up makes them no clearer."""


@dataclass(frozen=True)
class Import:
    """One module that a file imports."""

    place: str  # file:line
    room: str  # of the file
    module: str  # dotted; of ``from a import b``: a.b

    @property
    def target(self) -> str | None:
        """The room that is imported; None for libraries and for what stands in the package itself."""
        package, _, inside = self.module.partition(".")
        room = inside.split(".")[0]
        return room if package == "saccade" and room in ROW else None


def imports(source: Path) -> Iterator[Import]:
    """Every import of every file, also those in functions, under TYPE_CHECKING, and by import_module("...")."""
    for file in sorted(source.rglob("*.py")):
        inside = file.relative_to(source)
        room = "saccade" if inside.name == "__init__.py" and len(inside.parts) == 1 else Path(inside.parts[0]).stem
        package = ("saccade", *inside.parts[:-1])
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for module in modules(node, package):
                yield Import(f"{inside}:{node.lineno}", room, module)


def modules(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        above = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
        return [".".join(filter(None, (above, node.module, name.name))) for name in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__"):
            return [str(node.args[0].value)]
    return []


def order_faults(source: Path) -> list[str]:
    return [
        f"{i.place}: {i.room} imports {i.module}, of {'its own' if ROW[i.target] == ROW[i.room] else 'a later'} row"
        for i in imports(source)
        if i.target is not None and i.target != i.room and ROW[i.target] >= ROW[i.room]
    ]


def library_faults(source: Path) -> list[str]:
    return [
        f"{i.place}: {i.room} imports {i.module}, which is for {', '.join(sorted(allowed))}"
        for i in imports(source)
        for library, allowed in ONLY.items()
        if f"{i.module}.".startswith(f"{library}.") and i.room not in allowed
    ]


def functions(source: Path) -> Iterator[tuple[str, str, int]]:
    """Place, ``file:name`` and length in lines of every function, decorators not counted."""
    for file in sorted(source.rglob("*.py")):
        inside = file.relative_to(source).as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{inside}:{node.lineno}", f"{inside}:{node.name}", node.end_lineno - node.lineno + 1


def length_faults(source: Path) -> list[str]:
    faults = []
    for file in sorted(source.rglob("*.py")):
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES:
            faults.append(f"{file.relative_to(source)}:{FILE_LINES + 1}: the file has {lines} lines")
    for place, name, lines in functions(source):
        if lines > (FUNCTION_LINES if name in LONG_FUNCTIONS else LONG_FUNCTION_LINES):
            faults.append(f"{place}: {name.rpartition(':')[2]} has {lines} lines")
    return faults


def test_every_room_has_its_row() -> None:
    rooms = {p.stem for p in SOURCE.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()} - {"__init__"}
    assert sorted(rooms - ROW.keys()) == []


def test_imports_go_one_way() -> None:
    assert order_faults(SOURCE) == []


def test_libraries_stay_in_their_rooms() -> None:
    assert library_faults(SOURCE) == []


def test_the_package_itself_is_used_by_the_top_rows_only() -> None:
    assert [i.place for i in imports(SOURCE) if i.module == "saccade" and i.room not in ("api", "cli")] == []


def test_files_and_functions_are_short() -> None:
    assert length_faults(SOURCE) == []


def test_every_long_function_is_still_there_and_long() -> None:
    lengths = {name: lines for _, name, lines in functions(SOURCE)}
    assert [name for name in LONG_FUNCTIONS if lengths.get(name, 0) <= LONG_FUNCTION_LINES] == []


# The rules themselves, on sources that break them.


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for room in ("data", "nn", "engine", "browse", "report"):
        (tmp_path / room).mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        (
            "data/a.py",
            "import saccade.engine.trainer",
            "data/a.py:1: data imports saccade.engine.trainer, of a later row",
        ),
        (
            "data/a.py",
            "\nfrom saccade.nn import small",
            "data/a.py:2: data imports saccade.nn.small, of its own row",
        ),
        ("data/a.py", "from saccade import tasks", "data/a.py:1: data imports saccade.tasks, "),
        (
            "data/a.py",
            "def f():\n    from saccade.tasks.base import Task",
            "data/a.py:2: data imports saccade.tasks.base.Task",
        ),
        ("data/a.py", "if TYPE_CHECKING:\n    import saccade.cli", "data/a.py:2: data imports saccade.cli"),
        ("data/a.py", "from ..nn.small import SmallCNN", "data/a.py:1: data imports saccade.nn.small.SmallCNN"),
        ("data/__init__.py", "from ..nn import small", "data/__init__.py:1: data imports saccade.nn.small"),
        ("data/a.py", "importlib.import_module('saccade.api')", "data/a.py:1: data imports saccade.api"),
        ("browse/a.py", "from saccade.report import words", "browse/a.py:1: browse imports saccade.report.words"),
        ("errors.py", "from saccade.samples import Batch", "errors.py:1: errors imports saccade.samples.Batch"),
        ("api.py", "from saccade.cli import main", "api.py:1: api imports saccade.cli.main"),
    ],
)
def test_a_wrong_import_is_named_with_file_and_line(house: Path, file: str, text: str, fault: str) -> None:
    (house / file).write_text(text)
    found = order_faults(house)
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("engine/a.py", "from saccade.nn import small\nimport saccade.data.listing\nfrom . import b\nimport lightning"),
        ("report/a.py", "import jinja2\nimport matplotlib.axes\nfrom saccade.runs import Run"),
        ("__init__.py", "import_module('saccade.api')\nfrom saccade.cli import main"),
        ("engine/a.py", "from saccade import __version__"),
    ],
)
def test_a_right_import_is_none_of_its_business(house: Path, file: str, text: str) -> None:
    (house / file).write_text(text)
    assert order_faults(house) + library_faults(house) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("nn/a.py", "from lightning.pytorch import LightningModule"),
        ("nn/a.py", "from saccade.config.schema import Config"),
        ("nn/a.py", "from saccade import config"),
        ("browse/a.py", "import matplotlib.pyplot as plt"),
        ("report/a.py", "import fastapi"),
        ("engine/a.py", "import jinja2"),
    ],
)
def test_a_library_out_of_its_room_is_named(house: Path, file: str, text: str) -> None:
    (house / file).write_text(text)
    found = library_faults(house)
    assert len(found) == 1
    assert found[0].startswith(f"{file}:1: ")


def test_lengths_are_counted_to_the_line(house: Path) -> None:
    body = "    pass\n" * (LONG_FUNCTION_LINES - 1)
    (house / "data" / "a.py").write_text(f"@cache\ndef fits():\n{body}\nasync def long():\n{body}    pass\n")
    (house / "data" / "b.py").write_text("\n" * FILE_LINES)
    (house / "data" / "c.py").write_text("\n" * (FILE_LINES + 1))
    assert length_faults(house) == ["data/c.py:501: the file has 501 lines", "data/a.py:43: long has 41 lines"]
