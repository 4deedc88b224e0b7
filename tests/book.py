"""An author's workflow as in the documents: an outline, a review, chapters, an index."""

from __future__ import annotations

from pydantic import BaseModel

from roadmap_worker import Context, PartFailed, Parts, Workflow


class BookRequest(BaseModel):
    """What a book is about."""

    topic: str
    chapters: int = 2
    fails: list[str] = []


class Chapter(BaseModel):
    """A chapter, before it is written."""

    slug: str
    title: str
    summary: str = ""


class Outline(BaseModel):
    """What is to be written."""

    title: str
    chapters: list[Chapter]


class ChapterText(BaseModel):
    """A written chapter."""

    markdown: str


class Index(BaseModel):
    """Where what is."""

    entries: dict[str, str]
    missing: list[str]


book = Workflow("book", version=1, request=BookRequest, title=lambda r: f"A book about {r.topic}")


@book.step
async def outline(ctx: Context, request: BookRequest, feedback: str | None = None) -> Outline:
    """Plan the chapters; with feedback one more, named after it."""
    names = [f"Chapter {n + 1}" for n in range(request.chapters)] + ([feedback] if feedback else [])
    chapters = [Chapter(slug=name.lower().replace(" ", "-"), title=name) for name in names]
    return Outline(title=request.topic, chapters=chapters)


book.review(of=outline, due_hours=72, on_expiry="keep")


@book.parts(
    of=lambda outline: outline.chapters,
    key="slug",
    title="title",
    made_from=("title", "summary"),
)
async def chapter(
    ctx: Context, request: BookRequest, outline: Outline, part: Chapter
) -> ChapterText:
    """Write one."""
    if part.slug in request.fails and ctx.attempt == 1:
        raise PartFailed("told_to_fail", "It was told to fail.")
    return ChapterText(markdown=f"# {part.title} of {outline.title}")


@book.step(needs=0.5)
def index(ctx: Context, chapter: Parts[ChapterText]) -> Index:
    """List them."""
    return Index(
        entries={key: text.markdown for key, text in chapter.items()},
        missing=sorted(chapter.failed),
    )
