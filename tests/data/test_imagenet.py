"""On tar files of the official layout; what they hold stands in ``tests/tars.py``."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from saccade.data import archives, class_names, folder, imagenet
from saccade.data.imagenet import DEVKIT, TRAIN, VAL, Synset
from saccade.errors import DataError
from tars import SYNSETS, TRUTH, devkit, imagenet_tars, jpeg_bytes, tar_bytes, tar_of

FOX, TENCH, CRANE = (wnid for _, wnid, _, children, _ in SYNSETS if not children)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return imagenet_tars(tmp_path / "downloads")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "imagenet"


def prepare(source: Path, target: Path, progress: Callable[[int], None] = lambda _: None) -> imagenet.Plan:
    plan = imagenet.plan(source, target)
    imagenet.unpack(plan, progress=progress)
    return plan


def files(target: Path) -> list[str]:
    return sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())


VAL_FILES = [
    f"val/{wnid}/ILSVRC2012_val_{number:08d}.JPEG"
    for number, wnid in ((1, CRANE), (2, FOX), (3, TENCH), (4, TENCH), (5, CRANE), (6, FOX))
]
"""By hand: TRUTH is 3, 1, 2, 2, 3, 1, and the numbers 1, 2, 3 are the fox, the tench and the crane."""
EVERYTHING = sorted(
    ["classes.csv", *VAL_FILES, *(f"train/{w}/{w}_{i}.JPEG" for w in (FOX, TENCH, CRANE) for i in range(4))]
)


def test_every_image_lies_in_the_folder_of_its_class(source: Path, target: Path) -> None:
    plan = prepare(source, target)
    assert files(target) == EVERYTHING
    with tarfile.open(source / TRAIN) as outer, tarfile.open(fileobj=outer.extractfile(f"{FOX}.tar")) as inner:
        content = inner.extractfile(f"{FOX}_2.JPEG")
        assert content is not None
        assert (target / "train" / FOX / f"{FOX}_2.JPEG").read_bytes() == content.read()
    assert [imagenet.told(split) for split in imagenet.found(plan)] == [
        "train: 12 images in 3 classes, as many as the devkit says",
        "val: 6 images in 3 classes, as many as the devkit says",
    ]
    assert list(target.glob(".*")) == []


def test_the_reader_takes_it_with_names_in_the_order_of_the_ids(source: Path, target: Path) -> None:
    prepare(source, target)
    called = class_names.of(target, "auto")
    listing = folder.read(target, "val", classes=None, called=called)
    assert listing.classes == ("tench", "crane", "kit fox")  # n01440764 < n02012849 < n02119789
    assert listing.targets.tolist() == [0, 0, 1, 1, 2, 2]
    assert folder.read(target, "val", classes=None, called={}).classes == (TENCH, CRANE, FOX)
    assert folder.splits(target) == ["train", "val"]


def test_progress_tells_every_byte_of_the_tars(source: Path, target: Path) -> None:
    told: list[int] = []
    plan = prepare(source, target, told.append)
    with tarfile.open(source / TRAIN) as outer:
        expected = sum(member.size for member in outer) + (source / VAL).stat().st_size
    assert sum(told) == plan.n_bytes == expected
    assert min(told) >= 0


def test_a_second_call_has_nothing_to_do_and_needs_no_images(source: Path, target: Path) -> None:
    prepare(source, target)
    for name in (TRAIN, VAL):
        (source / name).unlink()
    before = {name: (target / name).stat().st_mtime_ns for name in files(target)}
    plan = prepare(source, target)
    assert (plan.n_bytes, plan.train, plan.val) == (0, frozenset(), False)
    assert {name: (target / name).stat().st_mtime_ns for name in files(target)} == before


@pytest.mark.parametrize("after", range(1, 22))
def test_goes_on_wherever_it_was_stopped(source: Path, target: Path, after: int) -> None:
    left = after

    def stop(_: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    try:
        prepare(source, target, stop)
    except KeyboardInterrupt:
        for name in ("train", "val"):  # what is there under its own name is whole
            for found in (target / name).glob("*"):
                assert len(list(found.iterdir())) == (4 if name == "train" else 2)
        begun = sorted(p for p in target.glob(".*/*/*") if p.is_file())
        if begun:
            begun[-1].write_bytes(begun[-1].read_bytes()[:50])  # the image that was being written
    prepare(source, target)
    assert files(target) == EVERYTHING
    assert all((target / name).read_bytes()[-2:] == b"\xff\xd9" for name in EVERYTHING if "JPEG" in name)


def test_what_is_written_is_not_written_again(source: Path, target: Path) -> None:
    prepare(source, target)
    shutil.rmtree(target / "train" / FOX)
    first = target / ".train.part" / FOX / f"{FOX}_0.JPEG"
    first.parent.mkdir(parents=True)
    first.write_bytes(bytes(len(jpeg_bytes("blue", 100))))  # of the right size: taken for done
    plan = prepare(source, target)
    assert plan.train == {FOX}
    assert not any((target / "train" / FOX / f"{FOX}_0.JPEG").read_bytes())
    assert files(target) == EVERYTHING


def test_names_of_the_users_own_stay(source: Path, target: Path) -> None:
    target.mkdir()
    (target / "classes.csv").write_text(f"class,name\n{TENCH},Schleie\n")
    prepare(source, target)
    assert class_names.of(target, "auto") == {TENCH: "Schleie"}


def test_names_are_the_first_word_and_never_the_same() -> None:
    synsets = [
        Synset("n02012849", "crane", 1),
        Synset("n02113186", "Cardigan, Cardigan Welsh corgi", 1),
        Synset("n02963159", "cardigan", 1),
        Synset("n03126707", "crane", 1),
        Synset("n03710637", "maillot", 1),
        Synset("n01440764", 'tench, "Tinca tinca"', 1),
    ]
    assert imagenet.names_csv(synsets).splitlines() == [
        "class,name,words",
        "n02012849,crane (n02012849),crane",
        'n02113186,Cardigan (n02113186),"Cardigan, Cardigan Welsh corgi"',
        "n02963159,cardigan (n02963159),cardigan",
        "n03126707,crane (n03126707),crane",
        "n03710637,maillot,maillot",
        'n01440764,tench,"tench, ""Tinca tinca"""',
    ]


def test_a_devkit_of_one_class(tmp_path: Path) -> None:
    """SciPy gives an array of one element without its dimension."""
    path = devkit(tmp_path / DEVKIT, SYNSETS[:1], (1, 1))
    assert imagenet.read_devkit(path) == imagenet.Devkit((Synset(FOX, "kit fox, Vulpes macrotis", 4),), (FOX, FOX))


def test_what_is_there_is_told_beside_what_should_be(source: Path, target: Path) -> None:
    plan = prepare(source, target)
    (target / "train" / FOX / f"{FOX}_0.JPEG").unlink()
    shutil.rmtree(target / "train" / TENCH)
    train, val = imagenet.found(plan)
    assert imagenet.told(train) == (
        f"train: 7 images in 2 classes; the devkit says 12 in 3: {TENCH} has 0 of 4, {FOX} has 3 of 4"
    )
    assert val.differing == {}


def message(source: Path, target: Path) -> str:
    with pytest.raises(DataError) as caught:
        prepare(source, target)
    assert not any(target.glob("train/*/*")) or not any(target.glob("val/*/*"))
    return str(caught.value)


def tar_with(path: Path, **of_member: object) -> Path:
    """A tar with one odd member."""
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(str(of_member.pop("name")))
        for key, value in of_member.items():
            setattr(member, key, value)
        tar.addfile(member, io.BytesIO(bytes(member.size)))
    return path


class TestRefusals:
    def test_no_folder(self, tmp_path: Path, target: Path) -> None:
        assert f"{tmp_path / 'none'}: no such folder; --from takes" in message(tmp_path / "none", target)

    @pytest.mark.parametrize("gone", [[TRAIN], [VAL], [DEVKIT], [TRAIN, DEVKIT], [TRAIN, VAL, DEVKIT]])
    def test_missing_tars_are_named(self, source: Path, target: Path, gone: list[str]) -> None:
        for name in gone:
            (source / name).unlink()
        assert message(source, target).startswith(f"{source}: there is no {' and no '.join(gone)}; image-net.org")
        assert not target.exists()

    def test_no_room(self, source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: SimpleNamespace(free=5000))
        needed = archives.size_text(imagenet_bytes(source))
        assert message(source, target) == (
            f"{target}: unpacking ImageNet takes about {needed}, and its disk has 5.0 kB free; "
            "make room there, or choose another folder with --to"
        )
        assert not target.exists()

    def test_what_is_begun_needs_no_room_again(
        self, source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun = target / ".val.part" / "x" / "y"
        begun.parent.mkdir(parents=True)
        begun.write_bytes(bytes(imagenet_bytes(source)))
        monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
        imagenet.plan(source, target)

    @pytest.mark.parametrize("name", [TRAIN, VAL, DEVKIT])
    @pytest.mark.parametrize("damage", ["cut", "empty", "text"])
    def test_damaged_tars_are_named(self, source: Path, target: Path, name: str, damage: str) -> None:
        content = (source / name).read_bytes()
        cut = len(content) // 2 + 100
        (source / name).write_bytes({"cut": content[:cut], "empty": b"", "text": b"<html>" * 300}[damage])
        found = message(source, target)
        assert found.startswith(f"{source / name}: ")
        assert "damaged or not whole" in found

    def test_a_damaged_class_is_named_and_not_kept(self, source: Path, target: Path) -> None:
        good = tar_bytes({f"{TENCH}_0.JPEG": jpeg_bytes("red", 0)})
        tar_of(source / TRAIN, {f"{TENCH}.tar": good, f"{FOX}.tar": good[:700]})
        assert message(source, target).startswith(f"{source / TRAIN}: {FOX}.tar in it: damaged or not whole")
        assert [p.name for p in (target / "train").iterdir()] == [TENCH]

    @pytest.mark.parametrize("name", ["../evil.JPEG", "/tmp/evil.JPEG", "a/../../evil.JPEG", "..\\evil.JPEG", "C:evil"])
    def test_paths_that_lead_out(self, source: Path, target: Path, name: str) -> None:
        tar_with(source / VAL, name=name, size=4)
        assert message(source, target) == (
            f"{source / VAL}: holds {name!r}, which leads out of the folder; such a tar is refused"
        )
        assert list(target.parent.rglob("*evil*")) == []

    @pytest.mark.parametrize(
        ("kind", "said"), [(tarfile.SYMTYPE, "a link"), (tarfile.LNKTYPE, "a link"), (tarfile.FIFOTYPE, "neither file")]
    )
    def test_links_and_devices_in_a_class(self, source: Path, target: Path, kind: bytes, said: str) -> None:
        inner = tar_with(source / "inner.tar", name=f"{FOX}_0.JPEG", type=kind, linkname="/etc/passwd")
        tar_of(source / TRAIN, {f"{FOX}.tar": inner.read_bytes()})
        found = message(source, target)
        assert found.startswith(f"{source / TRAIN}: {FOX}.tar in it: '{FOX}_0.JPEG' is {said}")
        assert [p for p in target.rglob("*") if p.is_symlink() or (FOX in p.name and p.is_file())] == []

    def test_tars_of_something_else(self, source: Path, target: Path) -> None:
        tar_of(source / TRAIN, {"beagle/1.jpg": b"x"})
        assert "holds 'beagle/1.jpg'; the training tar holds one tar a class" in message(source, target)
        tar_of(source / TRAIN, {"n99999999.tar": tar_bytes({})})
        assert "the devkit has no class n99999999" in message(source, target)

    @pytest.mark.parametrize("name", ["cat.jpg", "ILSVRC2012_val_00000000.JPEG", "ILSVRC2012_val_00000007.JPEG"])
    def test_validation_images_of_another_devkit(self, source: Path, target: Path, name: str) -> None:
        tar_of(source / VAL, {name: b"x"})
        assert message(source, target) == (
            f"{source / VAL}: holds {name!r}; by the devkit its images are "
            "ILSVRC2012_val_00000001.JPEG to ILSVRC2012_val_00000006.JPEG"
        )

    def test_no_devkit(self, source: Path, target: Path) -> None:
        tar_of(source / DEVKIT, {"data/readme.txt": b""}, mode="w:gz")
        assert "holds no data/meta.mat and no data/ILSVRC2012_validation_ground_truth.txt" in message(source, target)
        tar_of(
            source / DEVKIT,
            {"data/meta.mat": b"x" * 300, "data/ILSVRC2012_validation_ground_truth.txt": b"1\n"},
            mode="w:gz",
        )
        assert f"{source / DEVKIT}: data/meta.mat: cannot be read" in message(source, target)
        devkit(source / DEVKIT, truth=(*TRUTH[:2], 4))  # the number of a synset with children
        assert "ground_truth.txt:3: found '4'; it takes the ILSVRC2012_ID of a class" in message(source, target)


def imagenet_bytes(source: Path) -> int:
    """What the plan reckons with, by the sizes of the files."""
    with tarfile.open(source / TRAIN) as outer:
        content = sum(member.size for member in outer)
    content += (source / VAL).stat().st_size
    return content + content // 100_000 * 2048
