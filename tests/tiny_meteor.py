"""METEOR's tables in small, made up for tests."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

from saccade.metrics.captions.meteor_normalise import Prefix
from saccade.metrics.captions.meteor_paraphrases import load_paraphrases
from saccade.metrics.captions.meteor_tables import Synonyms, Tables

Pairs = Sequence[tuple[str, str]]


def paraphrase_table(path: Path, pairs: Pairs) -> Path:
    """Write phrases and their paraphrases in METEOR's format."""
    path.write_bytes(gzip.compress("".join(f"0.25\n{phrase}\n{other}\n" for phrase, other in pairs).encode()))
    return path


def tiny_tables(
    folder: Path, *, synsets: Mapping[str, str] | None = None, paraphrases: Pairs = (("of no use", "useless"),)
) -> Tables:
    """Tables with the function words "a", "the", "is", "on" and ".", and what a test adds; ``folder`` is written to."""
    return Tables(
        function_words=frozenset(("a", "the", "is", "on", ".")),
        prefixes={"dr": Prefix.ALWAYS, "no": Prefix.BEFORE_DIGIT},
        synonyms=Synonyms(synsets or {}, {}),
        paraphrases=load_paraphrases(paraphrase_table(folder / "table.gz", paraphrases), folder / "cache"),
    )
