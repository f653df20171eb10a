"""The web application: one page, a few JSON addresses behind it, and the images by row number."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader
from starlette.middleware.trustedhost import TrustedHostMiddleware

from saccade.browse.base import Choice, UnknownError
from saccade.browse.crops import Crops
from saccade.browse.explanations import any_explanations, picture_file, sections
from saccade.browse.library import Library
from saccade.browse.scoremaps import score_map
from saccade.browse.segment_gallery import Kind, SegmentGallery
from saccade.browse.spot_gallery import Side, SpotGallery
from saccade.browse.thumbnails import SIZES, Kept, Thumbnail, Thumbnails
from saccade.errors import RunError
from saccade.runs import Run

HOSTS = ["127.0.0.1", "localhost"]  # a page elsewhere that points its own name at this address is refused
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

JPEG = {"Content-Type": "image/jpeg"}
PNG = {"Content-Type": "image/png"}
GZIPPED = {"Content-Type": "application/octet-stream", "Content-Encoding": "gzip"}


def create_app(run: Run, *, evaluation: str | None = None, data_root: Path | None = None) -> FastAPI:
    """The page over ``run``.

    Args:
        run: the run folder.
        evaluation: the one shown first; by default ``val``, or the first by name.
        data_root: where the images are now, if not where they were when the split was scored.

    Raises:
        RunError: the run has no evaluation, or none of that name, or its files cannot be used.
    """
    library = Library(run, evaluation=evaluation, data_root=data_root)
    app = FastAPI(title="saccade browse", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    app.middleware("http")(_with_headers)
    app.add_exception_handler(UnknownError, _unknown)
    app.add_exception_handler(RunError, _unusable)
    app.mount("/static", StaticFiles(packages=[("saccade.browse", "static")]), name="static")
    _add_page(app, library)
    _add_json(app, library)
    _add_images(app, library)
    _add_masks(app, library)
    _add_words(app, library)
    return app


def _add_page(app: FastAPI, library: Library) -> None:
    environment = Environment(loader=PackageLoader("saccade.browse"), autoescape=True)
    run, pictures = library.run, Kept(64_000_000)
    shell, explanations = (environment.get_template(f"{name}.html") for name in ("page", "explanations"))
    known = {"run": run.title, "evaluations": library.names, "first": library.first}

    @app.get("/", response_class=HTMLResponse)
    def page() -> HTMLResponse:
        return HTMLResponse(shell.render(**known, explained=any_explanations(run)))

    @app.get("/explanations", response_class=HTMLResponse)
    def get_explanations() -> HTMLResponse:
        return HTMLResponse(explanations.render(**known, sections=sections(run)))

    @app.get("/explanation/{path:path}")
    def get_explanation(request: Request, path: str) -> Response:
        file = picture_file(run, path)
        return _shown(request, file, lambda found: pictures.made(found, "whole", found.read_bytes), PNG)


def _add_json(app: FastAPI, library: Library) -> None:
    @cache
    def overview(evaluation: str) -> bytes:
        gallery = library.gallery(evaluation)
        root = gallery.allowed.root
        missing = None if root is not None and root.is_dir() else str(root or "")
        return _encoded(gallery.summary() | {"missing_data": missing})

    @app.get("/api/{evaluation}/summary")
    def get_summary(evaluation: str) -> Response:
        return Response(overview(evaluation), media_type="application/json")

    @app.get("/api/{evaluation}/images")
    def get_images(evaluation: str, choice: Annotated[Choice, Query()]) -> Response:
        return _json(library.gallery(evaluation).page(choice))

    @app.get("/api/{evaluation}/images/{row:int}")
    def get_image(evaluation: str, row: int, t: Annotated[float | None, Query(ge=0, le=1)] = None) -> Response:
        return _json(library.gallery(evaluation).image(row, t))

    @app.get("/api/{evaluation}/confusion")
    def get_confusion(evaluation: str) -> Response:
        return _json(library.gallery(evaluation).confusion())

    @app.get("/api/{evaluation}/overview")
    def get_overview(evaluation: str) -> Response:
        return _json(library.gallery(evaluation).overview())


def _add_images(app: FastAPI, library: Library) -> None:
    thumbnails = Thumbnails()

    @app.get("/image/{evaluation}/{row:int}")
    def get_thumbnail(request: Request, evaluation: str, row: int, size: int = SIZES[0]) -> Response:
        return _image(request, thumbnails, library.gallery(evaluation).file(row), size, JPEG)


def _add_masks(app: FastAPI, library: Library) -> None:
    @app.get("/mask/{evaluation}/{row:int}/{kind}")
    def get_mask(request: Request, evaluation: str, row: int, kind: Kind, size: int = SIZES[0]) -> Response:
        gallery = library.gallery(evaluation)
        if not isinstance(gallery, SegmentGallery):
            raise UnknownError(f"there are no masks in {evaluation}")
        return _image(request, gallery.masks(kind), gallery.mask(row, kind), size, GZIPPED)


def _add_words(app: FastAPI, library: Library) -> None:
    crops, maps = Crops(), Kept(16_000_000)

    def words(evaluation: str) -> SpotGallery:
        gallery = library.gallery(evaluation)
        if not isinstance(gallery, SpotGallery):
            raise UnknownError(f"there are no words in {evaluation}")
        return gallery

    @app.get("/crop/{evaluation}/{row:int}/{side}/{index:int}")
    def get_crop(request: Request, evaluation: str, row: int, side: Side, index: int) -> Response:
        gallery = words(evaluation)
        quad = gallery.quad(row, side, index)
        return _shown(request, gallery.file(row), lambda file: crops.get(file, quad), JPEG)

    @app.get("/scores/{evaluation}/{row:int}")
    def get_scores(request: Request, evaluation: str, row: int) -> Response:
        gallery = words(evaluation)
        gallery.path(row)
        scored = gallery.predictions.evaluation
        make = partial(score_map, scored, row)
        return _shown(request, scored.predictions_file, lambda file: maps.made(file, f"scores {row}", make), GZIPPED)


def _image(request: Request, thumbnails: Thumbnails, file: Path | str, size: int, content: dict[str, str]) -> Response:
    """What ``thumbnails`` make of ``file``."""
    if size not in SIZES:
        raise UnknownError(f"there is no size {size}")
    return _shown(request, file, lambda found: thumbnails.get(found, size), content)


def _shown(request: Request, file: Path | str, get: Callable[[Path], Thumbnail], content: dict[str, str]) -> Response:
    """What ``get`` makes of ``file``, or why it is not shown, in words."""
    if isinstance(file, str):
        raise HTTPException(404, file)
    try:
        thumbnail = get(file)
    except OSError:
        raise HTTPException(404, "not readable") from None
    # A row number means another image in another run at the same address: the browser must ask each time.
    headers = {"ETag": f'"{thumbnail.tag}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(thumbnail.data, headers=headers | content)


async def _with_headers(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await handle(request)
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-cache")
    return response


def _unknown(_: Request, error: Exception) -> Response:
    return _json({"detail": str(error)}, 404)


def _unusable(_: Request, error: Exception) -> Response:
    return _json({"detail": str(error)}, 500)


def _json(value: Any, status: int = 200) -> Response:
    return Response(_encoded(value), status, media_type="application/json")


def _encoded(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
