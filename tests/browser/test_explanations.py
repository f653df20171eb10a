"""The page of explanations: what ``saccade explain`` left in the run folder, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from playwright.sync_api import Page

from saccade.files import write_json
from saccade.runs import Run

from .conftest import HOSTILE, client_of, new_run, served, write_images, write_multilabel


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two explanations by occlusion, one by gradcam, and the filters of two epochs."""
    folder = tmp_path_factory.mktemp("explained")
    write_images(folder / "data", ["0.jpg"])
    run = new_run(folder)
    write_multilabel(run, "val", folder / "data", ["0.jpg"])
    write_explanation(run, "occlusion", "001", patch=4)
    write_explanation(run, "occlusion", "002", patch=8)
    write_explanation(run, "gradcam", "001")
    for name in ("epoch-001", "epoch-002", "epochs"):
        (run.explanations / "filters").mkdir(exist_ok=True)
        Image.new("RGB", (30, 20), (0, 90, 0)).save(run.explanations / "filters" / f"{name}.png")
    (run.explanations / ".999.part").mkdir()
    return run


def write_explanation(run: Run, method: str, number: str, **options: int) -> None:
    folder = run.explanations / method / number
    folder.mkdir(parents=True)
    Image.new("RGB", (60, 40), (200, 30, 40)).save(folder / "000-a.png")
    (folder / "000-a.npy").write_bytes(b"numbers")
    entry = {"image": "/far/a.jpg", "picture": "000-a.png", "targets": [{"name": HOSTILE, "probability": 0.75}]}
    about = {"checkpoint": "best.ckpt", "epoch": 7, "target": None, "layers": [], "options": options, "found": [entry]}
    write_json(folder / "about.json", about)


@pytest.fixture(scope="module")
def client(explained: Run) -> TestClient:
    return client_of(explained)


def test_all_of_them_by_method_the_newest_first(client: TestClient) -> None:
    html = client.get("/explanations").text
    places = [html.index(f"/explanation/{path}") for path in ("gradcam/001/", "occlusion/002/", "occlusion/001/")]
    assert places == sorted(places)
    assert "best.ckpt, epoch 7 · patch 8" in html
    assert "a.jpg · " in html
    assert "/far/" not in html
    assert "0.750" in html
    assert 'src="/explanation/filters/epochs.png"' in html


def test_names_are_escaped(client: TestClient) -> None:
    html = client.get("/explanations").text
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_pictures_as_they_are(client: TestClient, explained: Run) -> None:
    found = client.get("/explanation/occlusion/002/000-a.png")
    assert found.status_code == 200
    assert found.headers["content-type"] == "image/png"
    assert found.content == (explained.explanations / "occlusion/002/000-a.png").read_bytes()
    again = client.get("/explanation/occlusion/002/000-a.png", headers={"if-none-match": found.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "occlusion/002/000-a.npy",
        "occlusion/002/about.json",
        "occlusion/002/none.png",
        "%2e%2e/figures/x.png",
        "..%2f..%2fsecret.png",
        "%2fetc%2fpasswd",
        "",
    ],
)
def test_nothing_else(client: TestClient, explained: Run, path: str) -> None:
    explained.figures.mkdir(exist_ok=True)
    for file in (explained.figures / "x.png", explained.path.parent / "secret.png"):
        Image.new("RGB", (2, 2)).save(file)
    assert client.get(f"/explanation/{path}").status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(client: TestClient, explained: Run, tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "secret.png")
    link = explained.explanations / "gradcam" / "001" / "link.png"
    link.symlink_to(tmp_path / "secret.png")
    assert client.get("/explanation/gradcam/001/link.png").status_code == 404
    link.unlink()


def test_the_page_of_images_leads_there_where_there_are_some(client: TestClient, multilabel: TestClient) -> None:
    assert 'href="/explanations"' in client.get("/").text
    assert 'href="/explanations"' not in multilabel.get("/").text
    assert "There are none yet" in multilabel.get("/explanations").text


def test_new_ones_are_shown_at_once(tmp_path: Path) -> None:
    write_images(tmp_path / "data", ["0.jpg"])
    run = new_run(tmp_path)
    write_multilabel(run, "val", tmp_path / "data", ["0.jpg"])
    client = client_of(run)
    assert "There are none yet" in client.get("/explanations").text
    write_explanation(run, "gradcam", "001")
    assert "/explanation/gradcam/001/000-a.png" in client.get("/explanations").text
    assert 'href="/explanations"' in client.get("/").text


@pytest.mark.slow
def test_in_a_browser(explained: Run, show: Callable[..., Page]) -> None:
    for address in served(explained):
        page = show(address)
        page.click("text=Explanations")
        page.wait_for_selector("h1:has-text('Explanations')")
        widths = page.eval_on_selector_all("img", "all => all.map(one => one.naturalWidth)")
        page.wait_for_function("[...document.images].every(one => one.complete)")
        widths = page.eval_on_selector_all(".explanations img", "all => all.map(one => one.naturalWidth)")
        assert widths == [60, 60, 60, 30]
        page.click(".tabs >> text=Images")
        page.wait_for_selector("body[data-ready=true]")
