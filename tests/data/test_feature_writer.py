"""Wherever the writing stops, the next writer ends with the bytes of one that was never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.data import feature_writer
from saccade.data.feature_files import FeatureFile
from saccade.data.feature_writer import FeatureWriter
from saccade.errors import DataError

N = 9
NAMES = [f"{i}.jpg" for i in range(N)]
FEATURES = np.random.default_rng(0).random((N, 2, 3), dtype=np.float32)
BOXES = np.random.default_rng(1).random((N, 2, 4), dtype=np.float32)


def writer(root: Path, *, names: list[str] = NAMES, made: dict[str, Any] | None = None) -> FeatureWriter:
    return FeatureWriter(root / "a.npy", names, (2, 3), made=made or {"size": (32, 32)}, boxes=True)


def write(root: Path, *, until: int = N, stop: BaseException | None = None) -> None:
    """Write from where an earlier one stopped, two images at a time; raise ``stop`` at ``until``."""
    with writer(root) as open_writer:
        while open_writer.done < until:
            rows = slice(open_writer.done, min(open_writer.done + 2, until))
            open_writer.write(FEATURES[rows], BOXES[rows])
        if stop is not None:
            raise stop


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, bytes]:
    write(tmp_path / "whole")
    assert sorted(contents(tmp_path / "whole")) == ["a.boxes.npy", "a.json", "a.npy"]
    return contents(tmp_path / "whole")


def test_a_row_keeps_the_size_of_the_file_that_it_is_of(tmp_path: Path) -> None:
    """Where files change while the writing is stopped, the rows that are there are of those before."""
    for size, until in ((1, 4), (2, N)):
        with FeatureWriter(tmp_path / "a.npy", NAMES, (3,), made={}, sizes=[size] * N) as open_writer:
            open_writer.write(FEATURES[open_writer.done : until, 0])
    assert FeatureFile(tmp_path / "a.npy").sizes.tolist() == [1] * 4 + [2] * 5
    write(tmp_path / "unknown")
    assert FeatureFile(tmp_path / "unknown" / "a.npy").sizes.tolist() == [-1] * N


@pytest.mark.parametrize("until", [0, 1, 4, 8, 9])
@pytest.mark.parametrize("stop", [None, KeyboardInterrupt(), RuntimeError("a bug")])
def test_what_is_stopped_goes_on(
    tmp_path: Path, whole: dict[str, bytes], until: int, stop: BaseException | None
) -> None:
    if stop is None:
        write(tmp_path / "a", until=until)
    else:
        with pytest.raises(type(stop)):
            write(tmp_path / "a", until=until, stop=stop)
    assert writer(tmp_path / "a").done == until
    if until < N:
        with pytest.raises(DataError, match="is not written to the end"):
            FeatureFile(tmp_path / "a" / "a.npy")
    write(tmp_path / "a")
    assert contents(tmp_path / "a") == whole


@pytest.mark.parametrize("tail", [b"", b"half a row", b"\0" * 500])
def test_what_a_power_cut_leaves_after_the_noted_rows_is_cut_off(
    tmp_path: Path, whole: dict[str, bytes], tail: bytes
) -> None:
    write(tmp_path / "a", until=4)
    for name in ("a.npy", "a.boxes.npy"):
        with (tmp_path / "a" / name).open("ab") as file:
            file.write(tail)
    write(tmp_path / "a")
    assert contents(tmp_path / "a") == whole


@pytest.mark.parametrize("name", ["a.npy", "a.boxes.npy"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_file_shorter_than_noted_is_begun_anew(
    tmp_path: Path, whole: dict[str, bytes], name: str, gone: bool
) -> None:
    write(tmp_path / "a", until=4)
    path = tmp_path / "a" / name
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert writer(tmp_path / "a").done == 0
    write(tmp_path / "a")
    assert contents(tmp_path / "a") == whole


def test_rows_are_noted_now_and_then(tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed without any farewell, a writer has noted what it had written a while before."""
    times = iter((0.0, 6.0, 12.0, 12.0, 18.0))  # opened, two rows, two rows and a note, two rows
    killed = writer(tmp_path / "a")
    monkeypatch.setattr(feature_writer, "monotonic", lambda: next(times))
    killed.__enter__()
    for i in range(3):
        killed.write(FEATURES[2 * i : 2 * i + 2], BOXES[2 * i : 2 * i + 2])
    monkeypatch.undo()
    assert writer(tmp_path / "a").done == 4
    for file in killed._files:
        file.close()
    write(tmp_path / "a")
    assert contents(tmp_path / "a") == whole


def test_a_finished_store_is_left_alone(tmp_path: Path, whole: dict[str, bytes]) -> None:
    with writer(tmp_path / "whole") as finished:
        assert finished.done == N
    assert contents(tmp_path / "whole") == whole


@pytest.mark.parametrize("until", [4, N])
def test_a_store_made_in_another_way_is_not_mixed_with_this_one(tmp_path: Path, until: int) -> None:
    write(tmp_path / "a", until=until)
    record = "a.json" if until == N else "a.part.json"
    for change, said in (
        ({"made": {"size": (64, 64)}}, "made in another way"),
        ({"names": NAMES[::-1]}, "of other images"),
        ({"names": NAMES[1:]}, "of other images and of another shape"),
    ):
        with pytest.raises(DataError, match=rf"a\.npy: holds features {said}; remove it and {record}"):
            writer(tmp_path / "a", **change)  # type: ignore[arg-type]


def test_other_files_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_text("mine")
    with pytest.raises(DataError, match=r"a\.npy: is there already, without a\.json; move it away"):
        writer(tmp_path)
    assert (tmp_path / "a.npy").read_text() == "mine"


def test_a_finished_store_that_lost_rows_is_told_of(tmp_path: Path, whole: dict[str, bytes]) -> None:
    (tmp_path / "whole" / "a.npy").write_bytes(whole["a.npy"][:-1])
    with pytest.raises(DataError, match=r"a\.npy: is shorter than a\.json says"):
        writer(tmp_path / "whole")


@pytest.mark.parametrize("value", [65520.0, -1e9, np.inf, np.nan])
def test_what_float16_cannot_hold_is_refused_by_name(tmp_path: Path, value: float) -> None:
    """65504 is the largest number of float16; from 65520 on rounding gives infinity."""
    bad = FEATURES.copy()
    bad[6, 1, 2] = value
    with writer(tmp_path) as open_writer:
        open_writer.write(bad[:4], BOXES[:4])
        with pytest.raises(DataError, match=r"a\.npy: a feature of 6\.jpg is beyond 65504 or no number"):
            open_writer.write(bad[4:], BOXES[4:])
    assert writer(tmp_path).done == 4
    bad[6, 1, 2] = 65504
    with writer(tmp_path) as open_writer:
        open_writer.write(bad[4:], BOXES[4:])
    assert FeatureFile(tmp_path / "a.npy").array[6, 1, 2] == 65504


def test_a_full_disk_is_told_once_with_how_to_go_on(
    tmp_path: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    def on_a_full_disk() -> None:
        with monkeypatch.context() as patch, writer(tmp_path / "a") as open_writer:
            patch.setattr(feature_writer, "_NOTED_AFTER", 0)
            patch.setattr("os.fsync", full)
            open_writer.write(FEATURES[4:6], BOXES[4:6])

    write(tmp_path / "a", until=4)
    with pytest.raises(DataError) as caught:
        on_a_full_disk()
    assert "could not be written (No space left on device)" in str(caught.value)
    assert "goes on after 4 of 9 images" in str(caught.value)
    write(tmp_path / "a")
    assert contents(tmp_path / "a") == whole


def test_no_image_at_all(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path / "a.npy", [], (3,), made={}):
        pass
    assert FeatureFile(tmp_path / "a.npy").array.shape == (0, 3)
