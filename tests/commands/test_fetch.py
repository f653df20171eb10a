from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saccade.data import fetch
from saccade.data.fetch import Archive, Source
from tars import tar_bytes

FOLDER = "VOCdevkit/VOC2012"
TAR = tar_bytes({f"{FOLDER}/ImageSets/Main/trainval.txt": b"a\n"})
NOWHERE = "http://127.0.0.1:9/voc.tar"  # the discard port: nothing listens there


def test_a_tar_that_was_placed_there(
    tmp_path: Path, saccade: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive((NOWHERE,), hashlib.md5(TAR).hexdigest())
    monkeypatch.setitem(fetch.SOURCES, "voc2012", Source((archive,), FOLDER, ("ImageSets/Main/trainval.txt",)))  # type: ignore[arg-type]
    monkeypatch.setenv("no_proxy", "*")
    said = saccade("data", "fetch", "voc2012", "--to", tmp_path)
    assert said.code == 2
    assert f"{NOWHERE}: cannot be reached" in said.err.replace("\n", "")
    assert said.out == ""
    (tmp_path / "voc.tar").write_bytes(TAR)
    said = saccade("data", "fetch", "voc2012", "--to", tmp_path)
    assert said.code == 0, said.err
    assert said.out.strip() == str(tmp_path / FOLDER)
    assert f"saccade train voc-multilabel data.root={tmp_path / FOLDER}" in said.err.replace("\n", "")
    assert f"no longer needed: {tmp_path / 'voc.tar'}" in said.err.replace("\n", "")


def test_only_what_can_be_fetched(tmp_path: Path, saccade: Callable[..., Any]) -> None:
    said = saccade("data", "fetch", "voc2010", "--to", tmp_path)
    assert said.code == 2
    assert "voc2012" in said.err
