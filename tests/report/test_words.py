"""Numbers and sentences."""

from __future__ import annotations

import pytest

from saccade.report.words import count, metric_name, number, wilson


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (0.0, "0.000"),
        (0.0004, "< 0.001"),
        (0.0005, "0.001"),
        (0.12349, "0.123"),
        (0.9994, "0.999"),
        (0.9996, "> 0.999"),
        (1.0, "1.000"),
        (2.5, "2.500"),
        (0, "0"),
        (1234567, "1,234,567"),
    ],
)
def test_number(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_metric_names() -> None:
    keys = ("map", "top5_accuracy", "balanced_accuracy", "something_new")
    assert [metric_name(k) for k in keys] == ["mAP", "top-5 accuracy", "balanced accuracy", "something new"]


def test_count() -> None:
    assert [count(n, "image") for n in (0, 1, 2000)] == ["0 images", "1 image", "2,000 images"]
    assert count(3, "class") == "3 classes"


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, Table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_newcombe(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right / n, n) == pytest.approx((low, high), abs=5e-5)
