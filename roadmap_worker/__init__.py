"""Workflows of your own, in the package of your own: all that they import of roadmap-worker.

```python
from pydantic import BaseModel
from roadmap_worker import Context, Parts, Workflow

class BookRequest(BaseModel):
    topic: str

class Outline(BaseModel):
    chapters: list[str]

class Text(BaseModel):
    markdown: str

book = Workflow("book", version=1, request=BookRequest, title=lambda r: f"A book about {r.topic}")

@book.step
async def outline(ctx: Context, request: BookRequest, feedback: str | None = None) -> Outline:
    return await ctx.ask(Outline, f"Outline a book about {request.topic}. {feedback or ''}")

book.review(of=outline)

@book.parts(of=lambda outline: outline.chapters)
async def chapter(ctx: Context, request: BookRequest, part: str) -> Text:
    return await ctx.stream(Text, f"Write '{part}' of {request.topic}.", field="markdown")
```

`ROADMAP_WORKFLOWS="mybook.flows:book"` brings it to worker, API and command line; so does the
entry-point group `roadmap_worker.workflows` of an installed package.
"""

from __future__ import annotations

from workflow import (
    END,
    Context,
    Failure,
    Finished,
    Next,
    PartFailed,
    Parts,
    Retryable,
    Workflow,
    WorkflowError,
    prompt,
)

__all__ = [
    "END",
    "Context",
    "Failure",
    "Finished",
    "Next",
    "PartFailed",
    "Parts",
    "Retryable",
    "Workflow",
    "WorkflowError",
    "prompt",
]
