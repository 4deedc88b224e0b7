"""An author that writes little and keeps a ledger: who asked for what, how often."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from llm import Call, Completion, Usage
from roadmaps.inputs import CallKind
from roadmaps.kinds import KINDS
from roadmaps.outputs import EditOperation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llm.calls import OnRetry, OnText, T

STRUCTURE = [
    CallKind.INTENT_ANALYSIS,
    CallKind.CURRICULUM_DESIGN,
    CallKind.STRUCTURE_VALIDATION,
]
CONTENTS = list(KINDS)


async def nothing(_call: Call[Any]) -> None:
    """Let a call pass."""


class LedgerAuthor:
    """The double at the language model: what it is asked is written down before it answers.

    Attributes:
        titles: The concepts of its design, in one module.
        prerequisites: Of each title.
        operations: What its edits do.
        before: Awaited before each answer; may raise, or never return.
        asked: `(kind, title)` of each call, in order; the title is empty for structure.
        answered: Those that were answered.
        tokens: What each answer costs.
    """

    def __init__(self, *titles: str) -> None:
        self.titles = list(titles) or ["Kites", "Wind"]
        self.prerequisites: dict[str, list[str]] = {}
        self.operations: list[dict[str, Any]] = []
        self.before: Callable[[Call[Any]], Awaitable[None]] = nothing
        self.asked: list[tuple[str, str]] = []
        self.answered: list[tuple[str, str]] = []
        self.tokens = 10
        self.closed = False

    async def complete(self, call: Call[T], *, on_retry: OnRetry | None = None) -> Completion[T]:
        """Write the call down, then answer it."""
        del on_retry
        entry = (call.kind, call.prompt.title)
        self.asked.append(entry)
        await asyncio.sleep(0)
        await self.before(call)
        value = call.output.model_validate(self._answer(call))
        self.answered.append(entry)
        prompt = self.tokens - self.tokens // 5
        usage = Usage(
            calls=1,
            tokens=self.tokens,
            prompt_tokens=prompt,
            completion_tokens=self.tokens - prompt,
        )
        return Completion(value=value, usage=usage)

    async def stream(
        self, call: Call[T], *, field: str, on_text: OnText, on_retry: OnRetry | None = None
    ) -> Completion[T]:
        """Do the same, and hand the text out in one piece."""
        completion = await self.complete(call, on_retry=on_retry)
        on_text(0, str(getattr(completion.value, field)))
        return completion

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how often each answer was given."""
        return Counter(self.answered)

    def contents(self) -> Counter[tuple[str, str]]:
        """Return how often each content was written."""
        return Counter(entry for entry in self.answered if entry[0] in CONTENTS)

    def _answer(self, call: Call[Any]) -> dict[str, Any]:
        title = call.prompt.title
        match call.kind:
            case CallKind.INTENT_ANALYSIS:
                return {
                    "topic": "Kites",
                    "summary": "s",
                    "language": "en",
                    "focus_areas": [],
                    "skills": [],
                    "skill_gaps": [],
                    "constraints": [],
                }
            case CallKind.CURRICULUM_DESIGN:
                module = {"title": "Module", "concepts": [self._concept(t) for t in self.titles]}
                stages = [{"title": "Stage", "modules": [module]}]
                return {"title": "Kites", "summary": "s", "stages": stages}
            case CallKind.STRUCTURE_VALIDATION:
                return {"issues": []}
            case CallKind.EDIT_PLAN_ANALYSIS:
                return {"summary": "s", "intents": []}
            case CallKind.ROADMAP_EDIT:
                nothing_else = dict.fromkeys(EditOperation.model_fields)
                operations = [nothing_else | operation for operation in self.operations]
                return {"summary": "s", "operations": operations}
            case "tutorial":
                return {"markdown": f"# {title} ({len(self.asked)})"}
            case "resources":
                resource = {"title": title, "url": "https://127.0.0.1/", "type": "article"}
                return {"resources": [resource | {"language": "en", "why": "w"}] * 3}
            case "quiz":
                question = {"question": title, "kind": "single", "answers": ["a"]}
                questions = [question | {"distractors": ["b"], "explanation": "e"}] * 5
                return {"questions": questions}
            case other:
                raise LookupError(other)

    def _concept(self, title: str) -> dict[str, Any]:
        return {
            "title": title,
            "description": f"About {title}.",
            "estimated_hours": 2,
            "difficulty": "beginner",
            "prerequisites": self.prerequisites.get(title, []),
        }
