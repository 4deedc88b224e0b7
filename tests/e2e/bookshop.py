"""A stranger's package, written into a folder of its own and found by its entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FLOWS: Final = '''\
"""Books, chapter by chapter."""

from typing import Literal

from pydantic import BaseModel, Field

from roadmap_worker import PartFailed, Parts, Workflow


class BookRequest(BaseModel):
    topic: str = Field(min_length=1, description="What the book is about.")
    chapters: int = Field(default=2, ge=1, le=20)
    fails: list[str] = []


class Chapter(BaseModel):
    slug: str
    title: str


class Outline(BaseModel):
    title: str
    chapters: list[Chapter] = Field(min_length=1)


class Piece(BaseModel):
    markdown: str


class Index(BaseModel):
    entries: list[str]


book = Workflow("book", version=1, request=BookRequest, title=lambda r: f"A book about {r.topic}")


@book.step
async def outline(ctx, request: BookRequest, feedback: str | None = None) -> Outline:
    """Plan the chapters."""
    names = [f"Chapter {n + 1}" for n in range(request.chapters)] + ([feedback] if feedback else [])
    chapters = [Chapter(slug=name.lower().replace(" ", "-"), title=name) for name in names]
    return Outline(title=request.topic, chapters=chapters)


book.review(of=outline, due_hours=72, on_expiry="keep")


@book.parts(
    of=lambda outline: outline.chapters, key="slug", title="title", kinds=("text", "picture"),
    made_from=("title",),
)
async def chapter(
    ctx,
    request: BookRequest,
    part: Chapter,
    kind: Literal["text", "picture"],
    feedback: str | None = None,
) -> Piece:
    """Write a text, or draw a picture."""
    if part.slug in request.fails and kind == "picture" and ctx.attempt == 1:
        raise PartFailed("no_ink", "There is no ink left.")
    return Piece(markdown=f"# {part.title}: {kind}" + (f", {feedback}" if feedback else ""))


@book.step(needs=0.5)
def index(ctx, request: BookRequest, outline: Outline) -> Index:
    """List the chapters."""
    return Index(entries=[each.title for each in outline.chapters])
'''


def written_to(folder: Path, *, flows: str = FLOWS) -> Path:
    """Write the package as an installer would have left it; return the folder to import from."""
    package, told = folder / "bookshop", folder / "bookshop-1.0.dist-info"
    for each in (package, told):
        each.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "flows.py").write_text(flows)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: bookshop\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(
        "[roadmap_worker.workflows]\nbook = bookshop.flows:book\n"
    )
    return folder
