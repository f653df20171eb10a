from __future__ import annotations

from collections.abc import Iterator

import pytest

from saccade.data.parallel import in_threads


def test_keeps_the_order_and_tells_every_item() -> None:
    told: list[int] = []
    assert list(in_threads(lambda x: x * x, range(1000), progress=told.append)) == [x * x for x in range(1000)]
    assert sum(told) == 1000
    assert list(in_threads(abs, [])) == []


def test_an_exception_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda x: 1 // x, [1, 0, 1]))


def test_takes_items_a_few_at_a_time() -> None:
    taken = []

    def items() -> Iterator[int]:
        for i in range(100_000):
            taken.append(i)
            yield i

    assert next(in_threads(abs, items())) == 0
    assert len(taken) < 1000
