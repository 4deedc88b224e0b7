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

Authors need `Workflow`, `Parts`, `Context`, `Retryable`, `PartFailed`, `prompt`, and for plans
`Finished`, `Next`, `END`. What stands beside these (`Definition`, `PartsStep`, …) is the floor
below: a workflow as a class that decides everything itself, as the built-in one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow import (
        END,
        RESTORE,
        Answer,
        Asking,
        AuditRules,
        Context,
        Definition,
        Done,
        Edited,
        Failure,
        FindingKind,
        Finished,
        Look,
        Meaning,
        Need,
        Next,
        PartFailed,
        Parts,
        PartsStep,
        Retryable,
        StepBody,
        StepContext,
        StepOptions,
        StepResult,
        StepShape,
        Terms,
        UnderReview,
        Wanted,
        Workflow,
        WorkflowError,
        WorkflowShape,
        Written,
        as_data,
        counted,
        draft,
        environment,
        input_digest,
        last_output,
        prompt,
        reading,
        remake,
        show_text,
    )

__all__ = [
    "END",
    "RESTORE",
    "Answer",
    "Asking",
    "AuditRules",
    "Context",
    "Definition",
    "Done",
    "Edited",
    "Failure",
    "FindingKind",
    "Finished",
    "Look",
    "Meaning",
    "Need",
    "Next",
    "PartFailed",
    "Parts",
    "PartsStep",
    "Retryable",
    "StepBody",
    "StepContext",
    "StepOptions",
    "StepResult",
    "StepShape",
    "Terms",
    "UnderReview",
    "Wanted",
    "Workflow",
    "WorkflowError",
    "WorkflowShape",
    "Written",
    "as_data",
    "counted",
    "draft",
    "environment",
    "input_digest",
    "last_output",
    "prompt",
    "reading",
    "remake",
    "show_text",
]


def __getattr__(name: str) -> Any:
    """Load a name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import workflow

    found = getattr(workflow, name)
    globals()[name] = found
    return found
