"""docs/convolution-by-hand.md, digit by digit: against PyTorch in float64, and SciPy where signs turn.

Every number is read from the page, so a wrong one there fails here.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from rich.console import Console
from scipy.signal import convolve2d
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d
from torch.utils.flop_counter import FlopCounterMode

from saccade.commands.layers import LayersTable, totals
from saccade.commands.summary import as_document
from saccade.nn.anatomy import Anatomy, anatomy, formula, times

TEXT = (Path(__file__).parents[2] / "docs" / "convolution-by-hand.md").read_text(encoding="utf-8")
PROSE = " ".join(re.sub(r"^```python\n.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL).split())

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
TERM = rf"[⌊(-]*{NUMBER}(?: / \d+)?[⌋)]*"
EQUATION = re.compile(rf"({TERM}(?: ?[·+/-] ?{TERM})+) = (-?{NUMBER})")


def value(expression: str) -> float:
    """Of an expression as the page writes it."""
    python = expression.replace(",", "").replace("·", "*").replace("⌊", "math.floor(").replace("⌋", ")")
    return float(eval(python, {"math": math}))


def matrices() -> dict[str, Tensor]:
    """All that stand in blocks under their names, in float64."""
    found: dict[str, Tensor] = {}
    for block in re.findall(r"^```text\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        head, *lines = [[cell.strip() for cell in line.split("|")] for line in block.splitlines()]
        if all(re.fullmatch(r"[-\d. ]+", cell) for line in lines for cell in line):
            for name, cells in zip(head, zip(*lines, strict=True), strict=True):
                assert name not in found
                rows = [[float(number) for number in cell.split()] for cell in cells]
                found[name] = torch.tensor(rows, dtype=torch.float64)
    return found


def table(heading: str) -> dict[str, dict[str, str]]:
    """The rows, by their first cell, of the table with this heading; a second *count* is called *adds*."""
    lines = itertools.takewhile(lambda line: line.startswith("|"), TEXT[TEXT.index(heading) :].splitlines())
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    names = [name if name not in head[:i] else "adds" for i, name in enumerate(head)]
    return {cells[0]: dict(zip(names, cells, strict=True)) for cells in rows}


PAGE = matrices()
IMAGE = torch.stack([PAGE["channel 1"], PAGE["channel 2"]])
KERNEL = torch.stack([PAGE["slice 1"], PAGE["slice 2"]])
SIZES = table("| layer | input | filters |")
COUNTS = table("| layer | parameters | count |")
NAMES = ["conv1", "conv2", "pool", "conv3", "fc1", "fc2"]


def each(kernel: Tensor, **options: int) -> Tensor:
    """Each slice on its own channel."""
    return conv2d(IMAGE, kernel[:, None], groups=2, **options)


def lists(expected: Tensor) -> list[list[float]]:
    return expected.tolist()  # type: ignore[no-any-return]


# --- one filter


def test_the_input_and_the_filter_are_those_of_the_exercise() -> None:
    assert lists(PAGE["channel 1"]) == [
        [1, 0, -1, 0, 1],
        [1, 0, -1, 0, -1],
        [-1, 1, 1, 1, 0],
        [0, 0, 1, 0, 0],
        [1, -1, 0, -1, 1],
    ]
    assert PAGE["channel 2"].shape == (5, 5)
    assert PAGE["channel 2"].abs().max() == 1
    assert lists(PAGE["slice 1"]) == [[1, 0, -1]] * 3
    assert lists(PAGE["slice 2"]) == [[1, 1, 1], [0, 0, 0], [-1, -1, -1]]
    channels, *sides = IMAGE.shape
    assert channels == 2
    assert f"Two channels of {times(tuple(sides))}, with values in [-1, 1]" in PROSE
    assert f"One filter of {times(tuple(KERNEL.shape))}: a slice of {times(tuple(KERNEL[0].shape))} for each" in PROSE
    assert f"all {KERNEL.numel()} products are added up" in PROSE
    assert f"The result is a map of {times(tuple(PAGE['sum'].shape))}" in PROSE


def test_results_and_their_sum_are_torch_s_and_those_of_plain_loops() -> None:
    assert torch.equal(torch.stack([PAGE["result 1"], PAGE["result 2"]]), each(KERNEL))
    assert torch.equal(PAGE["sum"], conv2d(IMAGE, KERNEL[None])[0])
    for i, j in itertools.product(range(3), repeat=2):
        products = [
            float(KERNEL[c, u, v] * IMAGE[c, i + u, j + v]) for c, u, v in itertools.product(range(2), *[range(3)] * 2)
        ]
        assert sum(products[:9]) == PAGE["result 1"][i, j]
        assert sum(products[9:]) == PAGE["result 2"][i, j]
        assert sum(products) == PAGE["sum"][i, j]


def test_the_place_worked_in_full_multiplies_its_weights_and_pixels() -> None:
    products = re.findall(r"^([-()\d.]+·.*) = (-?[\d.]+)$", TEXT, re.MULTILINE)
    assert len(products) == 6
    for (worked, result), weights, pixels in zip(
        products, KERNEL.reshape(6, 3), IMAGE[:, :3, :3].reshape(6, 3), strict=True
    ):
        pairs = [[value(factor) for factor in term.split("·")] for term in worked.split(" + ")]
        assert pairs == torch.stack([weights, pixels], dim=1).tolist()
        assert value(worked) == float(result) == weights @ pixels
    sums = [int(result) for _, result in products]
    assert f"{sums[0]} + {sums[1]} - {-sums[2]} = {PAGE['result 1'][0, 0]:g}" in PROSE
    assert f"{sums[3]} + {sums[4]} + {sums[5]} = {PAGE['result 2'][0, 0]:g}" in PROSE


def test_every_equation_of_the_page_holds() -> None:
    equations = EQUATION.findall(PROSE)
    assert len(equations) == PROSE.count(" = ") - 2  # max(...) = 8, and the definition of y; both have their own tests
    for expression, result in equations:
        assert value(expression) == pytest.approx(float(result.replace(",", "")), abs=1e-12), expression


@pytest.mark.parametrize("n", range(5, 12))
@pytest.mark.parametrize(("k", "s", "p", "d"), [(3, 1, 0, 1), (3, 2, 1, 1), (2, 3, 1, 1), (3, 1, 0, 2), (2, 2, 1, 3)])
def test_the_formula_of_sizes_is_torch_s(n: int, k: int, s: int, p: int, d: int) -> None:
    written = re.findall(r"^    (⌊.*⌋ \+ 1)$", TEXT, re.MULTILINE)
    spanned = re.findall(r"a kernel of k spans (\S.*?) pixels", PROSE)
    assert len(written) == len(spanned) == 1
    span = value(re.sub(r"[kd]", lambda letter: f"{({'k': k, 'd': d})[letter[0]]}", spanned[0]))
    numbers = {"n": f"{n}", "p": f"·{p}", "k": f"{span:g}", "s": f"{s}"}
    side = value(re.sub("[npks]", lambda letter: numbers[letter[0]], written[0]))
    for size, kernel, result in ((5, 3, 3), (3, 2, 2), (5, 5, 1)):  # the filter, pooling, the filter with dilation
        assert f"⌊({size} + 2·0 - {kernel}) / 1⌋ + 1 = {result}" in PROSE
    assert nn.Conv2d(1, 1, k, stride=s, padding=p, dilation=d)(torch.zeros(1, 1, n, n)).shape[-1] == side


def test_units_parameters_and_multiply_adds_of_the_filter() -> None:
    layer = nn.Conv2d(2, 1, 3)
    found = anatomy(layer, torch.zeros(1, 2, 5, 5), name="filter").layers[0]
    assert (found.units, found.parameters, found.multiply_adds) == (9, 19, 162)
    assert "3·3 = 9 units (neurons) that share 2·3·3 + 1 = 19 parameters and cost 9·2·3·3 = 162 multiply-adds" in PROSE


def test_signs_of_edges() -> None:
    bright_left, bright_above = torch.ones(2, 3, 3, dtype=torch.float64)
    bright_left[:, 1:] = -1
    bright_above[1:] = -1
    flat = torch.ones(3, 3, dtype=torch.float64)
    for kernel, edge, other in (
        (KERNEL[0], bright_left, bright_above),
        (KERNEL[1], bright_above, bright_left),
    ):
        assert [float((kernel * patch).sum()) for patch in (edge, -edge, other, flat)] == [6, -6, 0, 0]
    signs = table("| | detects |")
    assert signs["slice 1"]["positive"] == "bright on the left, dark on the right"
    assert signs["slice 2"]["positive"] == "bright above, dark below"
    assert (signs["slice 1"]["detects"], signs["slice 2"]["detects"]) == ("vertical edges", "horizontal edges")


def test_what_the_second_channel_shows() -> None:
    told = re.findall(r"^- \*\*(-?\d), (.*?)\*\*(.*)", TEXT, re.MULTILINE)
    assert [int(answer) for answer, _, _ in told] == [
        PAGE["result 2"][0, 0],
        PAGE["result 2"][1, 2],
        PAGE["result 2"][2, 1],
        PAGE["sum"][0, 2],
    ]
    assert [where for _, where, _ in told] == [
        "top left",
        "middle right",
        "the whole bottom row",
        "top right of the sum",
    ]
    assert told[2][2].startswith(" of result 2")
    assert PAGE["result 2"][0, 0] == KERNEL[1].abs().sum()  # the strongest there is
    assert PAGE["result 2"][1, 2] == -KERNEL[1].abs().sum()
    assert not PAGE["result 2"][2].any()
    other = conv2d(PAGE["channel 2"][None], KERNEL[:1, None])[0]
    assert f"Slice 1 would answer {other[2, 1]:g} to channel 2" in PROSE
    cancelled = PAGE["result 1"][0, 2], PAGE["result 2"][0, 2]
    assert f"{cancelled[0]:g} + {cancelled[1]:g} = {PAGE['sum'][0, 2]:g}" in PROSE
    assert min(abs(x) for x in cancelled) > 0


def test_a_convolution_in_the_sense_of_mathematics_has_the_other_signs() -> None:
    for channel, kernel, result in zip(IMAGE, KERNEL, (PAGE["result 1"], PAGE["result 2"]), strict=True):
        turned = torch.from_numpy(convolve2d(channel.numpy(), kernel.numpy(), mode="valid"))
        assert torch.equal(turned, -result)


def test_no_patch_excites_more() -> None:
    corners = torch.tensor(list(itertools.product((-1, 1), repeat=9)), dtype=torch.float64)
    for kernel, patch in zip(KERNEL, (PAGE["patch 1"], PAGE["patch 2"]), strict=True):
        assert torch.equal(patch, kernel.sign())
        answers = corners @ kernel.flatten()  # linear in the patch, so the corners of [-1, 1]^9 hold the extremes
        assert answers.max() == 6 == (kernel * patch).sum()
        assert answers.min() == -6
        best = corners[answers == 6]
        assert len(best) == 2**3  # where the weight is 0, any value
        assert (best[:, kernel.flatten() != 0] == patch[kernel != 0]).all()
    assert "6 for each slice, 12 for the filter" in PROSE
    assert f"lowest answer, {-KERNEL.abs().sum():g}" in PROSE
    assert torch.equal(IMAGE[1, :3, :3][KERNEL[1] != 0], PAGE["patch 2"][KERNEL[1] != 0])
    assert f"with {', '.join(f'{x:g}' for x in IMAGE[1, 1, :3])} in the middle row" in PROSE


def test_max_pooling() -> None:
    total = PAGE["sum"][None]
    assert "## Max pooling, 2×2 with stride 1" in TEXT
    assert "each window of 2×2 in the sum" in PROSE
    assert f"The {total.min():g}, dark above and bright below, is gone" in PROSE
    assert total.min() == total[0, 1, 2]
    assert torch.equal(PAGE["pooled"], max_pool2d(total, 2, stride=1)[0])
    for i, j in itertools.product(range(2), repeat=2):
        assert PAGE["pooled"][i, j] == max(float(total[0, i + u, j + v]) for u in range(2) for v in range(2))
    window = ", ".join(f"{x:g}" for x in total[0, :2, :2].flatten())
    assert f"max({window}) = {PAGE['pooled'][0, 0]:g}" in PROSE
    assert torch.equal(max_pool2d(total.relu(), 2, stride=1), max_pool2d(total, 2, stride=1).relu())
    assert PAGE["pooled"].min() >= 0


def test_dilation() -> None:
    seen = torch.stack([PAGE["seen of 1"], PAGE["seen of 2"]])
    assert torch.equal(seen, IMAGE[:, ::2, ::2])
    assert "The weights lie on rows and columns 1, 3 and 5" in PROSE
    assert "sees 5×5 pixels with the 19 parameters of 3×3, and skips 16 of the 25" in PROSE
    assert (sum(p.numel() for p in nn.Conv2d(2, 1, 3, dilation=2).parameters()), 25 - seen[0].numel()) == (19, 16)
    first, second = each(KERNEL, dilation=2).flatten().tolist()
    both = conv2d(IMAGE, KERNEL[None], dilation=2)
    assert both.shape == (1, 1, 1)
    assert [first, second, both.item()] == [-1, 3, 2]
    assert f"The filter answers {first:g} + {second:g} = {both.item():g}" in PROSE
    assert [float(side.sum()) for side in (seen[0, :, 0], seen[0, :, 2])] == [1, 2]
    assert [float(side.sum()) for side in (seen[1, 0], seen[1, 2])] == [1.5, -1.5]


# --- a network


def network() -> nn.Sequential:
    """As one reads it off the row of layers above the tables."""
    assert "on RGB images of 256×256" in PROSE
    assert "conv 5×5×5 → conv 7×7×10 → max pool 3×3/2 → conv 13×13×1 stride 10 → fc 512 → fc 10" in TEXT
    layers = {
        "conv1": nn.Conv2d(3, 5, 5),
        "conv2": nn.Conv2d(5, 10, 7),
        "pool": nn.MaxPool2d(3, stride=2),
        "conv3": nn.Conv2d(10, 1, 13, stride=10),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(11 * 11, 512),
        "fc2": nn.Linear(512, 10),
    }
    return nn.Sequential(OrderedDict(layers)).double()


def summed_up() -> Anatomy:
    return anatomy(network().float(), torch.zeros(1, 3, 256, 256), name="by hand")


def comma(number: int | None) -> str:
    return f"{number:,}"


def test_sizes_and_units_are_those_of_a_real_pass() -> None:
    x = torch.zeros(1, 3, 256, 256, dtype=torch.float64)
    total = 0
    for name, layer in network().named_children():
        row, fed, x = SIZES.get(name), x, layer(x)
        if row is None:
            assert name == "flatten"
            continue
        assert (row["input"], row["output"]) == (times(tuple(fed[0].shape)), times(tuple(x[0].shape)))
        assert row["units"] == comma(x.numel())
        total += x.numel()
    assert list(SIZES) == [*NAMES, "all"]
    assert SIZES["all"]["units"] == comma(total)


@pytest.mark.parametrize("name", NAMES)
def test_filters_strides_and_the_formula_say_what_the_layer_is(name: str) -> None:
    row, layer = SIZES[name], network().get_submodule(name)
    if isinstance(layer, nn.Linear):
        assert row["filters"] == f"{layer.out_features} of {layer.in_features}"
        assert row["stride"] == row["places along a side"] == ""
        return
    if isinstance(layer, nn.Conv2d):
        assert row["filters"] == f"{layer.out_channels} of {times(tuple(layer.weight.shape[1:]))}"
        kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    else:
        assert isinstance(layer, nn.MaxPool2d)
        kernel, stride, padding = layer.kernel_size, layer.stride, layer.padding  # type: ignore[assignment]
        assert row["filters"] == f"{kernel}×{kernel} in each channel"
    assert row["stride"] == str(stride)
    n, out = (int(row[shape].rpartition("×")[2]) for shape in ("input", "output"))
    assert out == math.floor((n + 2 * padding - kernel) / stride) + 1
    assert row["places along a side"] == f"⌊({n} + 2·{padding} - {kernel}) / {stride}⌋ + 1 = {out}"


def test_parameters_and_multiply_adds_are_torch_s() -> None:
    net = network()
    x = torch.zeros(1, 3, 256, 256, dtype=torch.float64)
    for name, layer in net.named_children():
        with FlopCounterMode(display=False) as counter:
            x = layer(x)
        if name == "flatten":
            continue
        row, parameters = COUNTS[name], sum(p.numel() for p in layer.parameters())
        assert row["count"] == comma(parameters)
        assert row["adds"] == comma(counter.get_total_flops() // 2)  # a multiplication and an addition are two
        assert row["parameters"] == formula(layer)
        assert not row["parameters"] or value(row["parameters"]) == parameters
        assert not row["multiply-adds"] or comma(int(value(row["multiply-adds"]))) == row["adds"]
    assert list(COUNTS) == [*NAMES, "all"]
    assert COUNTS["all"]["count"] == comma(sum(p.numel() for p in net.parameters()))
    assert COUNTS["all"]["adds"] == comma(sum(int(COUNTS[name]["adds"].replace(",", "")) for name in NAMES))


@pytest.mark.parametrize(("name", "before"), [("conv1", ""), ("conv2", "conv1"), ("pool", "conv2"), ("conv3", "pool")])
def test_fields_and_jumps_are_the_pixels_that_reach_a_unit(name: str, before: str) -> None:
    """What is no number spreads to all units that see it, through maxima too."""
    field, jump = (int(COUNTS[name][column].rpartition(" = ")[2]) for column in ("receptive field", "jump"))
    part = network()[: list(SIZES).index(name) + 1]

    def reached(pixel: int, unit: int) -> bool:
        image = torch.zeros(1, 3, 64, 64, dtype=torch.float64)
        image[..., pixel, pixel] = torch.nan
        return bool(part(image)[0, 0, unit, unit].isnan())

    assert [reached(pixel, 0) for pixel in (0, field - 1, field)] == [True, True, False]
    assert [reached(pixel, 1) for pixel in (jump - 1, jump)] == [False, True]
    r, j = (int(COUNTS[before][column].rpartition(" = ")[2]) if before else 1 for column in ("receptive field", "jump"))
    kernel = int(re.findall(r"\d+", SIZES[name]["filters"])[-1])
    assert COUNTS[name]["receptive field"] == f"{r} + {kernel - 1}·{j} = {field}"
    assert COUNTS[name]["jump"] == f"{j}·{SIZES[name]['stride']} = {jump}"


def test_rounding_down_leaves_pixels_out() -> None:
    net = network()

    def answer(rows: slice) -> Tensor:
        image = torch.zeros(1, 3, 256, 256, dtype=torch.float64)
        image[..., rows, :] = torch.nan
        image = torch.minimum(image, image.transpose(-1, -2))  # rows and columns
        with torch.no_grad():
            return net(image)  # type: ignore[no-any-return]

    assert answer(slice(237, 256)).isfinite().all()
    assert answer(slice(236, 237)).isnan().all()
    assert f"the last {256 - 237} rows and columns, {1 - 237**2 / 256**2:.0%} of the image".replace("%", " %") in PROSE
    sizes = [int(SIZES[name]["input"].rpartition("×")[2]) for name in ("pool", "conv3")]
    units = int(SIZES["conv3"]["output"].rpartition("×")[2])
    assert f"end at row 121·2 + 3 = 245 of {sizes[0]}, those of conv3 at row 10·10 + 13 = 113 of {sizes[1]}. " in PROSE
    assert f"The {units} units of a row of conv3 reach {units - 1}·20 + 37 = 237 pixels" in PROSE
    sides = {n: (((n - 10) - 3) % 2, (((n - 10) - 3) // 2 + 1 - 13) % 10) for n in range(230, 270)}
    assert [n for n, left in sides.items() if left == (0, 0)] == [237, 257]
    assert "Images of 237 or 257 pixels would leave out none" in PROSE


def test_shares() -> None:
    def share(column: str, rows: dict[str, dict[str, str]], name: str) -> str:
        number, total = (int(rows[each][column].replace(",", "")) for each in (name, "all"))
        return f"{number / total:.0%}".replace("%", " %")

    parameters, adds = share("count", COUNTS, "fc1"), share("adds", COUNTS, "conv2")
    units = share("units", SIZES, "conv2")
    said = f"{parameters} of the parameters are in fc1, {adds} of the multiply-adds and {units} of the units in conv2"
    assert said in PROSE


# --- the same from saccade


def test_summary_counts_what_the_page_counts() -> None:
    found = summed_up()
    layers = {layer.name: layer for layer in found.layers if layer.name not in ("", "flatten")}
    assert list(layers) == NAMES
    for name, layer in layers.items():
        row = SIZES[name] | COUNTS[name]
        assert row["output"] == times(layer.output or ())
        assert row["units"] == comma(layer.units)
        assert row["parameters"] == layer.formula
        assert row["count"] == comma(layer.parameters)
        assert row["adds"] == comma(layer.multiply_adds)
        field = row["receptive field"].rpartition(" = ")[2]
        assert layer.receptive_field == ((field,) * 2 if field == "whole image" else (int(field),) * 2)
    assert SIZES["all"]["units"] == comma(sum(layer.units or 0 for layer in layers.values()))
    assert COUNTS["all"]["count"] == comma(found.parameters)
    assert COUNTS["all"]["adds"] == comma(found.multiply_adds)


def test_json_has_the_units() -> None:
    document = json.loads(json.dumps(as_document(summed_up())))
    units = {layer["name"]: layer["units"] for layer in document["layers"]}
    assert {name: comma(units[name]) for name in NAMES} == {name: SIZES[name]["units"] for name in NAMES}
    assert units[""] == 10


def test_the_output_of_the_page_is_what_is_printed() -> None:
    found, console = summed_up(), Console(width=100, record=True, file=io.StringIO())
    console.print(LayersTable(found))
    printed = [line.rstrip() for line in console.export_text().splitlines()]
    shown = re.findall(r"^```text\n(by hand:.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[0].splitlines()
    assert [*printed, "", *totals(found)] == shown
