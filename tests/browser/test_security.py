"""What the page gives away, and to whom: only images that really lie in the data root or the run folder."""

from __future__ import annotations

import io
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from saccade.browse.thumbnails import Allowed, Thumbnails
from saccade.runs import Run

from .conftest import client_of, new_run, write_images, write_multilabel

HOSTILE_PATHS = [
    "../secret.jpg",
    "sub/../../secret.jpg",
    "{outside}/secret.jpg",  # absolute
    "link.jpg",  # a symbolic link to the file outside
    "folder/secret.jpg",  # through a linked folder
    "..%2Fsecret.jpg",
    "bad\0name.jpg",
    "circle.jpg",  # a link to itself
    "notes.txt",
    "text.jpg",
    ".",
    "",
]


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Run, list[str]]:
    """A run whose predictions name files they should not; the last three rows are honest."""
    root = tmp_path / "data"
    write_images(root, ["inside.jpg", "sub.jpg"])
    write_images(tmp_path, ["secret.jpg"])
    (root / "sub").mkdir()
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "folder").symlink_to(tmp_path)
    (root / "circle.jpg").symlink_to(root / "circle.jpg")
    (root / "notes.txt").write_text("a secret")
    (root / "text.jpg").write_text("a secret that is called an image")
    (root / "within.jpg").symlink_to(root / "inside.jpg")
    run = new_run(tmp_path)
    write_images(run.figures, ["figure.jpg"])
    honest = ["inside.jpg", "within.jpg", str(run.figures.resolve() / "figure.jpg")]
    paths = [path.format(outside=tmp_path) for path in HOSTILE_PATHS] + honest
    write_multilabel(run, "val", root, paths)
    return run, paths


def test_only_files_that_lie_inside_are_served(hostile: tuple[Run, list[str]]) -> None:
    run, paths = hostile
    client = client_of(run)
    answers = {path: client.get(f"/image/val/{row}").status_code for row, path in enumerate(paths)}
    assert answers == {path: 200 if row >= len(HOSTILE_PATHS) else 404 for row, path in enumerate(paths)}


def test_the_page_says_why_an_image_is_not_shown(hostile: tuple[Run, list[str]]) -> None:
    run, paths = hostile
    tiles = client_of(run).get("/api/val/images").json()["tiles"]
    problems = {paths[tile["row"]]: tile["problem"] for tile in tiles}
    assert problems["link.jpg"] == problems["../secret.jpg"] == "outside the data folder"
    assert problems["bad\0name.jpg"] == problems["."] == "file not found"
    assert problems["inside.jpg"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/image/val/../../etc/passwd",
        "/image/val/..%2f..%2fetc%2fpasswd",
        "/image/val/%2Fetc%2Fpasswd",
        "/image/val/0%00.jpg",
        "/image/val/-1",
        "/image/val/100000",
        "/image/..%2f..%2fdata/0",
        "/image/val/000.jpg",
        "/image/val/0?size=4000",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/predictions.py",
        "/config.yaml",
        "/docs",
        "/openapi.json",
    ],
)
def test_no_path_is_taken_from_the_address(multilabel: TestClient, path: str) -> None:
    assert multilabel.get(path).status_code == 404


def test_a_data_root_that_is_a_link_is_followed(tmp_path: Path) -> None:
    write_images(tmp_path / "real", ["a.jpg"])
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert Allowed(tmp_path / "linked", tmp_path / "run").find("a.jpg") == (tmp_path / "real/a.jpg").resolve()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1"])
def test_other_host_names_are_refused(multilabel: TestClient, host: str) -> None:
    assert multilabel.get("/", headers={"host": host}).status_code == 400
    assert multilabel.get("/image/val/0", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:8001"])
def test_this_machine_is_answered(multilabel: TestClient, host: str) -> None:
    assert multilabel.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/val/summary", "/image/val/0", "/static/browse.js", "/nowhere"])
def test_headers_on_every_answer(multilabel: TestClient, path: str) -> None:
    headers = multilabel.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_nothing_can_be_written(multilabel: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/", "/api/val/images", "/image/val/0"):
            assert multilabel.request(method, path).status_code == 405


def test_names_are_escaped_in_the_page(tmp_path: Path) -> None:
    write_images(tmp_path / "data", ["0.jpg"])
    run = Run.create(tmp_path, "<img src=x onerror=alert(1)>")
    run.config_file.write_text("name: made-up\n")
    write_multilabel(run, 'val"><b>', tmp_path / "data", ["0.jpg"])
    html = client_of(run).get("/").text
    assert "<img src=x" not in html
    assert "<b>" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_the_page_names_no_other_host(multilabel: TestClient) -> None:
    html = multilabel.get("/").text
    assert "http" not in html.replace("http-equiv", "")
    names = [file.name for file in (files("saccade.browse") / "static").iterdir()]
    assert len(names) > 10
    for name in names:
        text = multilabel.get(f"/static/{name}").text.replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        assert "innerHTML" not in text


def test_thumbnail_is_small_and_tagged(tmp_path: Path, multilabel: TestClient) -> None:
    first = multilabel.get("/image/val/3")
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    again = multilabel.get("/image/val/3", headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert multilabel.get("/image/val/4").headers["etag"] != tag

    Image.new("RGB", (1000, 500)).save(tmp_path / "large.jpg")
    with Image.open(io.BytesIO(Thumbnails().get(tmp_path / "large.jpg", 360).data)) as image:
        assert image.size == (360, 180)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16", "LA"])
def test_thumbnail_of_every_kind_of_image(tmp_path: Path, mode: str) -> None:
    file = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, (40, 20)).save(file)
    with Image.open(io.BytesIO(Thumbnails().get(file, 360).data)) as image:
        assert (image.size, image.mode) == ((40, 20), "RGB")


def test_thumbnail_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned by 90 degrees
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(io.BytesIO(Thumbnails().get(tmp_path / "a.jpg", 360).data)) as image:
        assert image.size == (20, 40)


def test_thumbnails_are_kept_up_to_a_limit_and_follow_the_file(tmp_path: Path) -> None:
    write_images(tmp_path, [f"{k}.jpg" for k in range(20)])
    one = len(Thumbnails().get(tmp_path / "0.jpg", 360).data)
    thumbnails = Thumbnails(limit=5 * one + 50)
    first = thumbnails.get(tmp_path / "0.jpg", 360)
    assert thumbnails.get(tmp_path / "0.jpg", 360) is first
    for k in range(1, 20):
        thumbnails.get(tmp_path / f"{k}.jpg", 360)
    assert thumbnails._held <= 5 * one + 50
    again = thumbnails.get(tmp_path / "0.jpg", 360)
    assert again is not first  # it had to go
    Image.new("RGB", (30, 30)).save(tmp_path / "0.jpg")
    assert thumbnails.get(tmp_path / "0.jpg", 360).tag != again.tag


def test_broken_and_enormous_images_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a JPEG")
    Image.new("RGB", (100, 100)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for name in ("half.jpg", "huge.png"):
        with pytest.raises(OSError, match=name):
            Thumbnails().get(tmp_path / name, 360)


def test_json_holds_no_raw_markup_that_a_browser_would_run(multilabel: TestClient) -> None:
    answer = multilabel.get("/api/val/summary")
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = json.loads(answer.content)
    assert body["table"][2][0].startswith("<script>")
