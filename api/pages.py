"""The pages where people watch, review and learn: shells for plain ES modules, no build step.

Every page is the same small document; what it shows comes from the API, by the modules in
`static/`. Assets are addressed by a digest of the whole folder, so they may be cached for good
and still belong together after a deploy.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path, PurePosixPath
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import early
from api.author_files import author_file
from api.http import ConceptId, RoadmapId, TaskId, tags_known
from api.modules import Bundler
from api.mount import base
from core.errors import NotFoundError
from core.loop_local import LoopLocal
from workflow.registry import definition_of

_reading: Final[LoopLocal[asyncio.Lock]] = LoopLocal(asyncio.Lock)


async def _read() -> None:
    """Read what pages are made from, at the first request: in a thread, so that streams go on."""
    if not assets.cache_info().currsize:
        async with _reading.get():
            await asyncio.to_thread(assets)


router = APIRouter(include_in_schema=False, dependencies=[Depends(_read)])

FOLDER: Final = Path(__file__).parent / "static"
_ASSET_HEADERS: Final = {
    # the client module is for other sites too, and nothing here is secret
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
FOREVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".woff2": "font/woff2", ".ts": "text/plain"}
_HTML: Final = "text/html; charset=utf-8"
_VALUE: Final = re.compile(r"\{\{(page|title|root)\}\}")
_CODE: Final = re.compile(r"`([^`]+)`")
_HEAD: Final = """\
<script type="module" src="{{base}}/pages/{{page}}.all.js"></script>
"""
_PROSE: Final = """\
<link rel="preload" href="{{base}}/fonts/vollkorn-regular.woff2" as="font" type="font/woff2" \
media="(min-width: 48rem)" crossorigin>
"""
"""The font of long texts: found in the styles only, it comes too late for the first of them."""
_LOADING: Final = """\
<main id="main" tabindex="-1"><div class="skeleton">{{first}}\
<p role="status">Loading…</p></div></main>
<noscript><p class="notice is-bad">This page needs JavaScript. The <a href="{{root}}/api/docs">API\
</a> and the <code>roadmap</code> command do not.</p></noscript>
"""
_FIRST: Final = {"home": '<p class="first-words">What do you want to learn?</p>'}
"""What a page shows before its modules are there."""
_STYLES: Final = {
    "concept": ("course", "concept"),
    "roadmap": ("course", "roadmap"),
    "home": ("lists", "home", "forms"),
    "reviews": ("lists",),
    "workflow": ("lists", "home", "forms"),
    "notice": (),
}
"""The style sheets of a page beside the common ones; by default the one of its name."""
_LATER: Final = (
    "views/help",
    "views/inbox",
    "views/made",
    "views/map",
    "views/markdown",
    "views/palette",
    "views/signin",
    "views/value-review",
)
"""Modules that pages fetch when they need them."""
_REMARK: Final = re.compile(rb"/\*(?:[^*]|\*(?!/))*\*/\n*")
_SPACE: Final = re.compile(rb"\s*([{};,])\s*")
_NOTICE: Final = """\
<main id="main" tabindex="-1"><section class="failure"><h1>{{heading}}</h1><p>{{reason}}</p>
<p class="actions"><a class="button" href="{{root}}/">Home</a></p></section></main>
"""
_TEXT: Final = frozenset({"text/javascript", "text/css", "text/plain", "image/svg+xml"})


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the folder, read once; texts are kept compressed, too."""

    body: bytes
    media_type: str
    etag: str
    squeezed: bytes | None

    @classmethod
    def of(cls, name: str, body: bytes) -> Asset:
        """Take a file's contents."""
        guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
        media_type = _TYPES.get(PurePosixPath(name).suffix, guessed)
        squeezed = None
        if media_type in _TEXT:
            media_type += "; charset=utf-8"
            squeezed = gzip.compress(body, 9, mtime=0)
        return cls(body, media_type, hashlib.sha256(body).hexdigest()[:32], squeezed)


@dataclass(frozen=True, slots=True)
class Assets:
    """All files by their path in the folder, and a digest of them together."""

    files: dict[str, Asset]
    digest: str


@lru_cache(maxsize=1)
def assets() -> Assets:
    """Read the folder: a third of a megabyte, once per process; it takes a quarter of a second."""
    found = sorted(p for p in FOLDER.rglob("*") if p.is_file() and p.name != "page.html")
    bodies = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in found}
    pages = [PurePosixPath(name).stem for name in bodies if name.startswith("pages/")]
    sources = {name: body.decode() for name, body in bodies.items() if name.endswith(".js")}
    bundler = Bundler(sources)
    for module in (*(f"pages/{page}" for page in pages), *_LATER):
        bodies[f"{module}.all.js"] = bundler.bundle(f"{module}.js").encode()
    for page in (*pages, "notice"):
        bodies[f"css/{page}.all.css"] = _styles(page, bodies)
    together = hashlib.sha256()
    for name, body in bodies.items():
        together.update(name.encode() + b"\0" + body)
    files = {name: Asset.of(name, body) for name, body in bodies.items()}
    return Assets(files, together.hexdigest()[:16])


def _styles(page: str, bodies: dict[str, bytes]) -> bytes:
    """Return all styles of a page as one file: each request more is a round trip more."""
    names = ("base", "parts", *_STYLES.get(page, (page,)), "print")
    whole = _REMARK.sub(b"", b"\n".join(bodies[f"css/{name}.css"] for name in names))
    return _SPACE.sub(rb"\1", whole)


def asset(path: str) -> str:
    """Return the address under which an asset may be cached for good."""
    return f"{base()}/static/v-{assets().digest}/{path}"


@router.get("/static/{path:path}")
async def static(path: str, request: Request) -> Response:
    """Send an asset: under the digest for good, without it checked by its entity tag each time.

    Raises:
        NotFoundError: There is no such asset.
    """
    known = assets()
    first, _, rest = path.partition("/")
    found = known.files.get(rest if first.startswith("v-") else path)
    if found is None:
        raise NotFoundError("There is no such file.")
    # a page of another version, during a deploy, gets what there is, for this time only
    lasting = first == f"v-{known.digest}"
    body, tag = found.body, found.etag
    headers = {**_ASSET_HEADERS, "Cache-Control": FOREVER if lasting else "no-cache"}
    if found.squeezed is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, tag = found.squeezed, f"{tag}-gzip"
            headers["Content-Encoding"] = "gzip"
    headers["ETag"] = f'"{tag}"'
    if headers["ETag"] in tags_known(request):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=found.media_type, headers=headers)


@lru_cache(maxsize=1)
def _template() -> str:
    """Read what all pages are made from; its script and its sign stand in it, without requests."""
    sign = (FOLDER / "icon.svg").read_text(encoding="utf-8").strip()
    sign = sign.replace("<svg ", '<svg aria-hidden="true" width="28" height="28" ', 1)
    text = (FOLDER / "page.html").read_text(encoding="utf-8")
    return text.replace("{{early}}", early.SCRIPT).replace("{{brand}}", sign)


def _page(name: str, title: str) -> Response:
    head = _HEAD + (_PROSE if name == "concept" else "")
    text = _filled(name, title, head=head, main=_LOADING)
    return Response(text, media_type=_HTML, headers={"Cache-Control": "no-cache"})


def notice(status: int, *, title: str, reason: str) -> Response:
    """Return a page that only says something, without a script; `this` in its reason is code."""
    words = _CODE.sub(r"<code>\1</code>", escape(reason))
    main = _NOTICE.replace("{{heading}}", escape(title)).replace("{{reason}}", words)
    text = _filled("notice", f"{title} · Roadmaps", head="", main=main)
    headers = {"Cache-Control": "no-store"}
    return Response(text, status_code=status, media_type=_HTML, headers=headers)


def _filled(name: str, title: str, *, head: str, main: str) -> str:
    values = {"page": name, "title": escape(title), "root": base()}
    text = _template().replace("{{head}}", head).replace("{{main}}", main)
    text = text.replace("{{first}}", _FIRST.get(name, ""))
    text = text.replace("{{base}}/", asset(""))
    return _VALUE.sub(lambda found: values[found[1]], text)


@router.get("/")
async def home() -> Response:
    """Ask for a roadmap, and see the recent ones."""
    return _page("home", "Roadmaps")


@router.get("/tasks/{task_id}")
async def task(task_id: TaskId) -> Response:  # noqa: ARG001 - checked to be an id; the page reads it
    """Watch a task."""
    return _page("task", "Task · Roadmaps")


@router.get("/tasks/{task_id}/review")
async def review(task_id: TaskId) -> Response:  # noqa: ARG001 - ditto
    """Decide about an outline."""
    return _page("review", "Review · Roadmaps")


@router.get("/reviews")
async def reviews() -> Response:
    """See all outlines that wait for a decision."""
    return _page("reviews", "Reviews · Roadmaps")


@router.get("/workflows/{name}")
async def workflow(name: str) -> Response:
    """Ask for a task of a workflow.

    Raises:
        UnknownWorkflowError: There is none of this name.
    """
    shape = definition_of(name).describe()
    return _page("workflow", f"{shape.title} · Roadmaps")


@router.get("/workflows/{name}/page/{path:path}")
async def workflow_page(name: str, path: str, request: Request) -> Response:
    """Send a file of the page that a workflow's author brings.

    Raises:
        NotFoundError: There is no such file, or the workflow brings no page.
        UnknownWorkflowError: There is no such workflow.
    """
    found = Asset.of(path, author_file(definition_of(name).describe().page, path))
    headers = {"Cache-Control": "no-cache", "ETag": f'"{found.etag}"'}
    if headers["ETag"] in tags_known(request):
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)


@router.get("/roadmaps/{roadmap_id}")
async def roadmap(roadmap_id: RoadmapId) -> Response:  # noqa: ARG001 - ditto
    """Learn along a roadmap."""
    return _page("roadmap", "Roadmap · Roadmaps")


@router.get("/roadmaps/{roadmap_id}/concepts/{concept_id}")
async def concept(roadmap_id: RoadmapId, concept_id: ConceptId) -> Response:  # noqa: ARG001 - ditto
    """Learn one concept."""
    return _page("concept", "Concept · Roadmaps")


@router.get("/operations")
async def operations() -> Response:
    """See how the stack is doing."""
    return _page("operations", "Operations · Roadmaps")


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Send the icon to browsers that ask for it here."""
    return await static("icon.svg", request)
