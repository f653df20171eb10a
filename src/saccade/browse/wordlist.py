"""The words of captions and of their references: which images say what, and how often each word is said.

A word is a run of letters and digits, in small letters: "T-shirt." are two, and an image counts once, however often
a word is said of it. It is for finding images and for seeing what a model says, and enters no score: those have the
tokeniser of saccade.metrics. Letters: N images.
"""

from __future__ import annotations

import polars as pl

from saccade.browse.predictions import Flags

BETWEEN = "|"  # stands between the references of an image; no word holds it
BETWEEN_WORDS = r"[^\p{L}\p{M}\p{N}\n]+"


def plain(texts: pl.Series) -> pl.Series:
    """(N,) the words alone, each with a space on both sides: ``" a small dog "``; ``" "`` where there are none."""
    return _plain(texts.str.replace_all("\n", " ", literal=True))


def plain_lists(lists: pl.Series) -> pl.Series:
    """(N,) as ``plain``, of all texts of an image: ``" a dog | the small dog "``."""
    joined = lists.list.eval(pl.element().str.replace_all("\n", " ", literal=True)).list.join("\n")
    return _plain(joined).str.replace_all(" *\n *", f" {BETWEEN} ")


def _plain(texts: pl.Series) -> pl.Series:
    words = texts.str.to_lowercase().str.replace_all(BETWEEN_WORDS, " ").str.strip_chars(" ")
    return words.str.replace("^", " ").str.replace("$", " ").str.replace("^  $", " ")


def phrase(text: str) -> str:
    """What to look for to find ``text``: its words as ``plain`` writes them; empty where it has none."""
    found: str = plain(pl.Series([text], dtype=pl.String))[0]
    return found if found.strip() else ""


def holds(texts: pl.Series, wanted: str) -> Flags:
    """(N,) bool: where the words that ``phrase`` gave stand in a text, next to each other."""
    return texts.str.contains(wanted, literal=True).to_numpy()


def count_words(said: pl.Series, referred: pl.Series) -> pl.DataFrame:
    """All words, those of most images' references first: word, n_referred, n_said, n_both, all in images.

    Args:
        said: (N,) of the captions, from ``plain``.
        referred: (N,) of the references, from ``plain_lists``.
    """
    ours, theirs = _words(said), _words(referred)
    counted = [
        words.explode().drop_nulls().alias("word").value_counts(name=name)
        for name, words in (
            ("n_referred", theirs),
            ("n_said", ours),
            ("n_both", ours.list.set_intersection(theirs)),
        )
    ]
    every = counted[0].join(counted[1], on="word", how="full", coalesce=True).join(counted[2], on="word", how="left")
    order = ["n_referred", "n_said", "word"]
    return every.fill_null(0).sort(order, descending=[True, True, False])


def lengths(texts: pl.Series) -> pl.Series:
    """(N,) how many words each text from ``plain`` has."""
    return texts.str.count_matches(" ", literal=True) - 1


def _words(texts: pl.Series) -> pl.Series:
    """(N,) lists: each word of each image once."""
    between = pl.Series([["", BETWEEN]], dtype=pl.List(pl.String))
    return texts.str.split(" ").list.set_difference(between)
