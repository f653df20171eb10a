"""Results beside references, and every way in which they do not fit."""

from __future__ import annotations

import pytest

from saccade.errors import DataError
from saccade.metrics.captions.results import paired

REFERENCES = {1: ["a cat", "the cat"], 2: ("a dog",), 3: ["a bird"]}


def test_pairs_stand_in_the_order_of_the_results():
    found = paired({3: "bird", 1: "cat", 2: ""}, REFERENCES)
    assert found.ids == [3, 1, 2]
    assert found.captions == ["bird", "cat", ""]
    assert found.references == [["a bird"], ["a cat", "the cat"], ["a dog"]]


def test_ids_may_be_words():
    assert paired({"x.jpg": "cat"}, {"x.jpg": ["a cat"]}).ids == ["x.jpg"]


def test_a_part_of_the_references_where_that_is_said():
    found = paired({2: "dog"}, REFERENCES, partial=True)
    assert found == ([2], ["dog"], [["a dog"]])


@pytest.mark.parametrize("partial", [False, True])
def test_no_results(partial):
    with pytest.raises(DataError) as caught:
        paired({}, REFERENCES, partial=partial)
    assert str(caught.value) == "results: there is no caption to score; a results file lists one for each image"


@pytest.mark.parametrize("partial", [False, True])
def test_images_without_a_reference(partial):
    results = {1: "cat", 2: "dog", 3: "bird", 4: "cow"} | dict.fromkeys(range(10, 17), "x")
    with pytest.raises(DataError) as caught:
        paired(results, REFERENCES | {4: []}, partial=partial)
    assert str(caught.value) == (
        "results: 8 of 11 images have no reference caption: 4, 10, 11, 12, 13, and 3 more; give the references of the "
        "split that the captions are of"
    )


def test_ids_that_differ_by_their_quotes_alone():
    with pytest.raises(DataError) as caught:
        paired({"1": "cat", "2": "dog"}, REFERENCES, partial=True)
    assert str(caught.value) == (
        "results: 2 of 2 images have no reference caption: '1', '2'; one file writes its ids as numbers and the other "
        "in quotes: write them alike"
    )


def test_images_without_a_result():
    with pytest.raises(DataError) as caught:
        paired({2: "dog"}, REFERENCES)
    assert str(caught.value) == (
        "results: no caption for 2 of the 3 images of the references: 1, 3; add them, or score the others alone with "
        "--partial"
    )


def test_messages_name_the_file():
    with pytest.raises(DataError, match=r"^mine\.json: no caption for 2 of the 3 images"):
        paired({2: "dog"}, REFERENCES, name="mine.json")
