"""The numbers behind the page; the made-up runs and how their numbers are counted stand in conftest.py."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from .conftest import HOSTILE


def images(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/val/images", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(page: dict[str, Any]) -> list[int]:
    return [tile["row"] for tile in page["tiles"]]


CAT: dict[str, Any] = {"class": "cat"}


def test_class_by_score(multilabel: TestClient) -> None:
    page = images(multilabel, **CAT)
    assert rows(page) == list(range(99, 51, -1))  # 48 a page
    assert (page["page"], page["pages"]) == (1, 3)
    assert page["counts"] == {"all": 100, "hits": 39, "misses": 2, "false_alarms": 9, "ignored": 2}
    tiles = {tile["row"]: tile for tile in page["tiles"]}
    assert tiles[99] == {
        "row": 99,
        "image": "099.jpg",
        "loss": pytest.approx(0.99),
        "problem": None,
        "score": pytest.approx(0.995),
        "outcome": "hit",
        "position": 1,
    }
    assert (tiles[95]["outcome"], tiles[95]["position"]) == ("ignored", None)
    assert (tiles[94]["outcome"], tiles[94]["position"]) == ("hit", 5)  # the ignored image takes no position
    assert tiles[59]["outcome"] == "false alarm"


def test_worst_score_first_is_the_reverse(multilabel: TestClient) -> None:
    assert rows(images(multilabel, **CAT, order="worst")) == list(range(48))
    assert rows(images(multilabel, **CAT, page=3)) == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("misses", [20, 10]),
        ("false_alarms", [59, 58, 57, 56, 54, 53, 52, 51, 50]),
        ("hits", [k for k in range(99, 59, -1) if k != 95]),
        ("ignored", [95, 55]),
    ],
)
def test_filters(multilabel: TestClient, show: str, expected: list[int]) -> None:
    page = images(multilabel, **CAT, show=show)
    assert rows(page) == expected
    assert page["counts"]["all"] == 100


@pytest.mark.parametrize(
    ("threshold", "above", "hits", "right"),
    [
        (0.5, 48, 39, 39),
        (0.7, 29, 29, 29),
        (0.3, 68, 39, 59),  # below the decision threshold: 20 right refusals lie above the cut too
        (0.0, 98, 41, 87),  # the decision is wrong on 9 false alarms and 2 misses
        (1.0, 0, 0, 0),
    ],
)
def test_numbers_at_a_threshold(multilabel: TestClient, threshold: float, above: int, hits: int, right: int) -> None:
    assert images(multilabel, **CAT, t=threshold)["numbers"] == {
        "above": above,
        "ranked": 98,
        "hits": hits,
        "positives": 41,
        "precision": hits / above if above else None,
        "recall": hits / 41,
        "tail_accuracy": right / above if above else None,
    }


def test_outcomes_follow_the_threshold(multilabel: TestClient) -> None:
    counts = images(multilabel, **CAT, t=0.7)["counts"]
    assert counts == {"all": 100, "hits": 29, "misses": 12, "false_alarms": 0, "ignored": 2}


def test_page_of_the_cut(multilabel: TestClient) -> None:
    assert images(multilabel, **CAT, t=0.7)["cut_page"] == 1
    page = images(multilabel, **CAT, t=0.3, page=images(multilabel, **CAT, t=0.3)["cut_page"])
    assert {29, 30} <= set(rows(page))


def test_a_page_beyond_the_last_is_the_last(multilabel: TestClient) -> None:
    assert images(multilabel, **CAT, page=99)["page"] == 3


def test_class_without_a_positive(multilabel: TestClient) -> None:
    page = images(multilabel, **{"class": "dog"})
    assert page["numbers"]["recall"] is None
    assert page["numbers"]["precision"] is None
    assert rows(page) == list(range(48))  # equal scores: the order of the split


def test_all_classes_begin_with_the_worst_loss_and_name_the_mistakes(multilabel: TestClient) -> None:
    page = images(multilabel)
    assert rows(page) == list(range(99, 51, -1))
    assert rows(images(multilabel, page=3))[-1] == 0  # no loss: last
    assert rows(images(multilabel, order="least_loss"))[:3] == [1, 2, 3]
    assert page["counts"] == {"all": 100, "hits": 89, "misses": 2, "false_alarms": 9, "ignored": 0}
    missed = images(multilabel, show="misses")["tiles"]
    assert [(t["row"], t["missed"], t["missed_names"], t["false_alarms"]) for t in missed] == [
        (20, 1, ["cat"], 0),
        (10, 1, ["cat"], 0),
    ]
    assert images(multilabel, show="false_alarms")["tiles"][0]["false_alarm_names"] == ["cat"]


def test_order_by_loss_within_a_class(multilabel: TestClient) -> None:
    assert rows(images(multilabel, **CAT, order="loss", show="misses")) == [20, 10]
    assert rows(images(multilabel, **CAT, order="least_loss", show="misses")) == [10, 20]


def test_one_image_with_all_its_scores(multilabel: TestClient) -> None:
    image = multilabel.get("/api/val/images/59").json()
    assert [(one["name"], one["outcome"]) for one in image["classes"]] == [
        (HOSTILE, "hit"),
        ("cat", "false alarm"),
        ("dog", "rejected"),
    ]
    assert [one["score"] for one in image["classes"]] == pytest.approx([0.9, 0.595, 0.1])
    moved = multilabel.get("/api/val/images/59", params={"t": 0.6}).json()
    assert [one["outcome"] for one in moved["classes"]] == ["hit", "rejected", "rejected"]
    assert multilabel.get("/api/val/images/0").json()["loss"] is None


def test_classify_hits_follow_the_answer(classify: TestClient) -> None:
    page = images(classify, **{"class": "a"})
    assert [(t["row"], t["outcome"], t["labelled"], t["answer"]) for t in page["tiles"]] == [
        (0, "hit", "a", "a"),
        (1, "hit", "a", "a"),
        (4, "false alarm", "b", "a"),
        (3, "rejected", "b", "b"),
        (2, "miss", "a", "b"),
        (5, "rejected", "c", "c"),
    ]
    assert page["counts"] == {"all": 6, "hits": 2, "misses": 1, "false_alarms": 1, "ignored": 0}
    # Above 0.5: 0.7 and 0.6 (rightly a), 0.55 (wrongly).
    numbers = page["numbers"]
    assert (numbers["above"], numbers["precision"], numbers["recall"]) == (3, 2 / 3, 2 / 3)
    # Above 0.15 lie also 0.3 (answered b, rightly) and 0.2 (answered b, but it is a).
    assert images(classify, **{"class": "a"}, t=0.15)["numbers"]["tail_accuracy"] == 3 / 5


def test_classify_all_classes(classify: TestClient) -> None:
    page = images(classify)
    assert rows(page) == [2, 4, 3, 1, 0, 5]
    assert page["counts"] == {"all": 6, "hits": 4, "misses": 2, "false_alarms": 2, "ignored": 0}
    assert [t["score"] for t in page["tiles"][:2]] == pytest.approx([0.7, 0.55])  # of the answer


def test_classify_detail(classify: TestClient) -> None:
    image = classify.get("/api/val/images/2").json()
    assert (image["labelled"], image["answer"]) == ("a", "b")
    assert [(c["name"], c["outcome"]) for c in image["classes"]] == [
        ("b", "false alarm"),
        ("a", "miss"),
        ("c", "rejected"),
    ]


def test_confusions(classify: TestClient, multilabel: TestClient) -> None:
    assert classify.get("/api/val/confusion").json() == {
        "matrix": [[2, 1, 0], [1, 1, 0], [0, 0, 1]],
        "pairs": [
            {"labelled": "a", "answer": "b", "n": 1, "of": 3},
            {"labelled": "b", "answer": "a", "n": 1, "of": 2},
        ],
    }
    assert rows(images(classify, **{"class": "b", "labelled": "a"})) == [2]
    assert multilabel.get("/api/val/confusion").json() == {"matrix": None, "pairs": []}


def test_summary_holds_the_table_in_class_order(multilabel: TestClient) -> None:
    summary = multilabel.get("/api/val/summary").json()
    assert summary["columns"] == ["ap", "n_positive", "n_ignored"]
    assert summary["table"] == [["cat", 0.75, 41, 2], ["dog", None, 0, 0], [HOSTILE, 0.875, 100, 0]]
    assert list(summary["metrics"]) == ["map", "loss"]
    assert summary["missing_data"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/val/images?class=cow", 404),
        ("/api/val/images?class=cat&labelled=cow", 200),  # multilabel has no cells
        ("/api/nowhere/images", 404),
        ("/api/val/images/100", 404),
        ("/api/val/images/-1", 404),
        ("/api/val/images?class=cat&t=2", 422),
        ("/api/val/images?class=cat&t=nan", 422),
        ("/api/val/images?order=random", 422),
        ("/api/val/images?page=0", 422),
    ],
)
def test_addresses_that_make_no_sense(multilabel: TestClient, path: str, status: int) -> None:
    assert multilabel.get(path).status_code == status
