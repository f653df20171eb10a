from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from saccade.engine import checkpoint
from saccade.errors import CheckpointError


def content() -> dict[str, object]:
    return {
        "state_dict": {"network.w": torch.arange(6.0).view(2, 3)},
        "epoch": 3,
        "optimizer_states": [{"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"betas": (0.9, 0.999)}]}],
        "callbacks": {"$odd key": {"best": None, "nan": float("inf")}},
    }


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint.save(content(), tmp_path / "a.ckpt")
    back = checkpoint.load(tmp_path / "a.ckpt")
    assert torch.equal(back["state_dict"].pop("network.w"), torch.arange(6.0).view(2, 3))
    state = back["optimizer_states"][0]
    assert torch.equal(state["state"][0].pop("step"), torch.tensor(7.0))
    assert state == {"state": {0: {}}, "param_groups": [{"betas": (0.9, 0.999)}]}
    assert back["callbacks"] == {"$odd key": {"best": None, "nan": float("inf")}}
    assert back["epoch"] == 3


def test_the_file_holds_tensors_and_text_only(tmp_path: Path) -> None:
    checkpoint.save(content(), tmp_path / "a.ckpt")
    raw = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert isinstance(raw["json"], str)
    assert all(isinstance(value, torch.Tensor) for value in [*raw["state_dict"].values(), *raw["tensors"]])
    assert set(raw) == {"state_dict", "tensors", "json"}


def test_what_is_neither_tensor_nor_json_is_a_bug_of_ours(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="tensors and JSON only, not PosixPath"):
        checkpoint.save({"state_dict": {}, "where": tmp_path}, tmp_path / "a.ckpt")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("file write failed")])
def test_a_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = tmp_path / "last.ckpt"
    checkpoint.save(content(), path)
    before = path.read_bytes()

    def half(value: object, target: Path) -> None:
        Path(target).write_bytes(b"half of a checkpoint")
        raise error

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(CheckpointError, match=r"could not be written .*the one before it is kept"):
        checkpoint.save({"state_dict": {}}, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("mapped", [False, True])
def test_damaged_and_foreign_files_are_refused(tmp_path: Path, mapped: bool) -> None:
    checkpoint.save(content(), tmp_path / "whole.ckpt")
    (tmp_path / "cut.ckpt").write_bytes((tmp_path / "whole.ckpt").read_bytes()[:500])
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "foreign.ckpt")
    with pytest.raises(CheckpointError, match=r"cut\.ckpt: cannot be read as a checkpoint"):
        checkpoint.load(tmp_path / "cut.ckpt", mapped=mapped)
    with pytest.raises(CheckpointError, match=r"foreign\.ckpt: not a checkpoint of saccade"):
        checkpoint.load(tmp_path / "foreign.ckpt", mapped=mapped)
    with pytest.raises(CheckpointError, match=r"none\.ckpt: no such checkpoint"):
        checkpoint.load(tmp_path / "none.ckpt", mapped=mapped)
