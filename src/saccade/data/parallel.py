"""One function over many files, in threads: Pillow lets go of Python's lock while it decodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int], None]
"""Told how many more items are done, as the work goes on."""

_THREADS = min(16, os.cpu_count() or 1)


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, progress: Progress | None = None
) -> Iterator[Result]:
    """Yield ``function(item)`` of each item, in the order of the items; an exception ends it."""
    waiting = iter(items)
    with ThreadPoolExecutor(_THREADS) as pool:
        # A few at a time: map() alone would hold all items and all results at once.
        while chunk := list(islice(waiting, 16 * _THREADS)):
            yield from pool.map(function, chunk)
            if progress is not None:
                progress(len(chunk))
