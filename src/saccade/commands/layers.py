"""The layers of a network as a rich table: a tree in which blocks that repeat are told once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich import box
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from saccade.data.wording import named
from saccade.nn.anatomy import Anatomy, Field, Layer, amount, times

IDLE = ("Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "DropPath")
"""Modules that do nothing when a network is scored."""
_UNITS = 2
"""The place of the column of units."""
_ENDLESS = 10_000
"""Columns that no table needs."""


@dataclass(frozen=True)
class Node:
    """A layer and those in it."""

    layer: Layer
    children: tuple[Node, ...]

    def all(self) -> Iterator[Layer]:
        """The layer and all in it."""
        yield self.layer
        for child in self.children:
            yield from child.all()

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for blocks that are built alike; what they see of the image may differ."""
        start = len(self.layer.name)
        return tuple(
            (each.name[start:], each.kind, each.output, each.formula, each.parameters, each.trainable)
            for each in self.all()
        )


@dataclass(frozen=True)
class LayersTable:
    """A row a layer; the column of units is left out where the names of layers would have to give way for it."""

    found: Anatomy
    depth: int | None = None  # layers below this many levels are summed up in the one that holds them
    every: bool = False  # also blocks that are like the one before, and layers that do nothing in evaluation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """The table that goes into the width there is."""
        whole = _table(self.found, self.depth, self.every)
        if Measurement.get(console, options.update(width=_ENDLESS), whole).maximum > options.max_width:
            whole = _table(self.found, self.depth, self.every, units=False)
        yield whole


def _table(found: Anatomy, depth: int | None, every: bool, *, units: bool = True) -> Table:
    title = f"{found.name}: {times(found.image)} to {times(found.output or ())}"
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left"
    )
    table.add_column("layer", overflow="fold")  # the only one that gives way where the terminal is narrow
    table.add_column("output", no_wrap=True)
    if units:
        table.add_column("units", justify="right", no_wrap=True)
    table.add_column("parameters", no_wrap=True)
    for heading in ("count", "multiply-\nadds", "receptive\nfield"):
        table.add_column(heading, justify="right", no_wrap=True)
    root = _tree(found.layers)
    rows = list(_rows(root.children, 0, depth, every))
    if root.layer.parameters or root.layer.multiply_adds:
        rows.insert(0, _row("(itself)", root.layer.kind, [root.layer]))
    for row in rows:
        table.add_row(*(cell for place, cell in enumerate(row) if units or place != _UNITS))
    return table


def totals(found: Anatomy) -> Iterator[str]:
    """The lines below the table."""
    yield f"parameters     {found.parameters:,} ({_trainable(found)}), {found.megabytes:.1f} MB as float32"
    yield f"multiply-adds  {amount(found.multiply_adds)} for an image of {times(found.image)}"
    if found.asleep:
        yield f"not counted: {named(found.asleep)}, which a whole image does not go through"
    if found.lost is not None:
        yield f"?: receptive fields are not followed through every operation; lost first in {found.lost}"


def _trainable(found: Anatomy) -> str:
    return "all trainable" if found.trainable == found.parameters else f"{found.trainable:,} trainable"


def _tree(layers: Sequence[Layer]) -> Node:
    children, place = [], 1
    while place < len(layers):
        end = place + 1 + layers[place].inside
        children.append(_tree(layers[place:end]))
        place = end
    return Node(layers[0], tuple(children))


def _rows(nodes: Sequence[Node], level: int, depth: int | None, every: bool) -> Iterator[list[Text]]:
    shown = [node for node in nodes if every or not _idle(node)]
    for _, alike in groupby(shown, lambda node: node.key):
        first, *rest = alike
        for node in (first, *rest) if every or not first.children else (first,):
            yield from _one(node, level, depth, every)
        if rest and first.children and not every:
            names = [node.layer.name.rpartition(".")[2] for node in rest]
            name = "  " * level + "-".join(dict.fromkeys((names[0], names[-1])))
            like = f"like {first.layer.name.rpartition('.')[2]}"
            yield _row(name, like, [layer for node in rest for layer in node.all()], last=rest[-1].layer)


def _one(node: Node, level: int, depth: int | None, every: bool) -> Iterator[list[Text]]:
    name = "  " * level + node.layer.name.rpartition(".")[2]
    opened = [child for child in node.children if every or not _idle(child)]
    if not opened or (depth is not None and level + 1 >= depth):
        yield _row(name, node.layer.kind, list(node.all()), last=node.layer)
        return
    yield _row(name, node.layer.kind, [node.layer])
    yield from _rows(opened, level + 1, depth, every)


def _idle(node: Node) -> bool:
    """Whether there is nothing to tell: no parameters, and nothing done."""
    return all(each.parameters == 0 and (each.kind in IDLE or each.calls == 0) for each in node.all())


def _row(name: str, kind: str, layers: Sequence[Layer], *, last: Layer | None = None) -> list[Text]:
    """Name; then, by columns, what the layers count together and what the last one, where it is given, puts out."""
    parameters = sum(layer.parameters for layer in layers)
    multiply_adds = sum(layer.multiply_adds for layer in layers)
    often = f" ×{last.calls}" if last is not None and last.calls > 1 and not last.inside else ""
    counted = [layer for layer in layers if layer.parameters]
    return [
        Text.assemble(name, " ", (kind + often, "dim"), no_wrap=True, overflow="ellipsis"),
        Text(times(last.output) if last is not None and last.output else ""),
        Text(f"{last.units:,}" if last is not None and last.output else ""),
        Text(counted[0].formula if len(counted) == 1 else ""),
        Text(f"{parameters:,}" if parameters else ""),
        Text(amount(multiply_adds) if multiply_adds else ""),
        Text(_field(last.receptive_field) if last is not None and last.receptive_field else ""),
    ]


def _field(field: tuple[Field, ...]) -> str:
    words = ["?" if each is None else str(each) for each in field]
    return words[0] if len(set(words)) == 1 else "×".join(words)
