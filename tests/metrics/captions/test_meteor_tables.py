from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import pytest

from saccade.metrics.captions.meteor import Meteor
from saccade.metrics.captions.meteor_normalise import Prefix
from saccade.metrics.captions.meteor_tables import MeteorMissingError, Synonyms, load_tables
from tiny_meteor import paraphrase_table

SYNSETS = {
    "dog": "1 2",
    "glass": "3",
    "glas": "4",
    "bus": "5",
    "buse": "6",
    "man": "7",
    "try": "8",
    "make": "9",
    "mak": "10",
    "big": "11",
    "goose": "12",
    "geese": "13",
    "nice": "14",
    "a": "15",
}


@pytest.mark.parametrize(
    ("word", "sets"),
    [
        ("dog", "1 2"),
        ("dogs", "1 2"),
        ("glass", "3"),  # not of "glas": a word that ends in ss has no ending
        ("glasses", "3"),
        ("buses", "6"),  # "s" is tried before "ses"
        ("firemen", ""),
        ("men", "7"),
        ("tries", "8"),
        ("tried", ""),  # no rule leads to "try"
        ("making", "9"),  # "ing" for "e" before "ing" for nothing
        ("maked", "9"),
        ("nicer", "14"),
        ("nicest", "14"),
        ("as", ""),  # a word of two letters has no ending
        ("geese", "13 12"),  # irregular, and in the table itself
        ("gooses", ""),  # listed, so its ending is not looked at
        ("unheard", ""),
    ],
)
def test_synsets_by_hand(word: str, sets: str) -> None:
    synonyms = Synonyms(SYNSETS, {"geese": ["goose"], "gooses": ["gander"]})
    assert synonyms.synsets(word) == frozenset(sets.split())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up ``pycocoevalcap`` that is found before any other; its folder of METEOR."""
    folder = tmp_path / "site" / "pycocoevalcap" / "meteor"
    (folder / "data").mkdir(parents=True)
    paraphrase_table(folder / "data" / "paraphrase-en.gz", [("on top of", "above")])
    with zipfile.ZipFile(folder / "meteor-1.5.jar", "w") as jar:
        jar.writestr("function/english.words", "the\n,\n’\n")
        jar.writestr("nonbreaking/english.prefixes", "#A remark\n\nDr\ni.e\nNo #NUMERIC_ONLY# \npp #NUMERIC_ONLY#\n")
        jar.writestr("synonym/english.synsets", "dog\n1 2\nhound\n2\ngo\n3\n")
        jar.writestr("synonym/english.exceptions", "go\ngoes went\nwend\nwent\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def test_the_tables_are_read_from_the_installed_package(package: Path, tmp_path: Path) -> None:
    tables = load_tables(tmp_path / "cache")
    assert tables.function_words == {"the", ",", "’"}
    assert tables.prefixes == {
        "Dr": Prefix.ALWAYS,
        "i.e": Prefix.ALWAYS,
        "No": Prefix.BEFORE_DIGIT,
        "pp": Prefix.BEFORE_DIGIT,
    }
    assert tables.synonyms.synsets("dogs") == {"1", "2"}
    assert tables.synonyms.synsets("went") == {"3"}
    assert len(tables.paraphrases.phrases(["on", "top", "of"])) == 3


def test_the_index_lies_in_the_cache_alone(package: Path, tmp_path: Path) -> None:
    before = sorted(package.rglob("*"))
    Meteor.load(tmp_path / "cache")
    assert sorted(package.rglob("*")) == before
    assert len(list((tmp_path / "cache").glob("paraphrases-*.npy"))) == 5


@pytest.mark.parametrize("missing", ["package", "jar", "table"])
def test_a_missing_package_is_a_message_that_tells_what_to_install(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "package":
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    else:
        monkeypatch.setattr("sys.path", [str(package.parents[1])])
        (package / {"jar": "meteor-1.5.jar", "table": "data/paraphrase-en.gz"}[missing]).unlink()
    with pytest.raises(MeteorMissingError, match=r"pip install 'saccade\[captions\]'"):
        Meteor.load(tmp_path / "cache")
