from __future__ import annotations

import pytest

from saccade.data.wording import counted, named, nearest, refuse, refuse_unknown
from saccade.errors import DataError


def test_named() -> None:
    assert named([]) == "none"
    assert named(["a", "b"]) == "'a', 'b'"
    assert named(["a", "b", "c"], limit=2) == "'a', 'b', and 1 more"


def test_counted() -> None:
    assert [counted(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert [counted(n, "class") for n in (1, 2)] == ["1 class", "2 classes"]


@pytest.mark.parametrize(
    ("word", "expected"), [("dgo", "dog"), ("DOG", "dog"), ("Cat", "CAT"), ("zebra", None), ("", None)]
)
def test_nearest(word: str, expected: str | None) -> None:
    assert nearest(word, ["dog", "CAT"]) == expected
    assert nearest(word, []) is None


def test_refuse_names_ten_and_counts_the_rest() -> None:
    refuse([])
    with pytest.raises(DataError) as caught:
        refuse([str(i) for i in range(13)])
    assert str(caught.value).splitlines() == [*map(str, range(10)), "and 3 more of the kind"]


def test_slips_come_first() -> None:
    refuse_unknown({"dog": "file 1"}, ["dog"])
    with pytest.raises(DataError) as caught:
        refuse_unknown({"zebra": "file 1", "dog": "file 2", "dogs": "file 3"}, ["dog"])
    assert str(caught.value).splitlines() == [
        "file 3: unknown class 'dogs'; the nearest is 'dog'",
        "file 1: unknown class 'zebra'; expected: 'dog'",
    ]
