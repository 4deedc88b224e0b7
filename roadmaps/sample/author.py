"""The sample author itself: answers every kind of call from prepared texts (`library`)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final, cast

from core.errors import ContentRefusedError
from core.usage import Usage
from llm.calls import (
    Call,
    Completion,
    ContentInputs,
    DesignInputs,
    EditInputs,
    IntentInputs,
    OnRetry,
    OnText,
    PlanInputs,
    T,
)
from llm.calls import CallKind as Kind
from roadmaps.outputs import Output, StructureOpinion
from roadmaps.sample.design import design, intent
from roadmaps.sample.editing import edit_plan, edit_script
from roadmaps.sample.quiz import quiz
from roadmaps.sample.reading import resources
from roadmaps.sample.tutorial import tutorial

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.settings import Settings

_LETTERS_PER_TOKEN: Final = 4
_PIECES: Final = 5


class SampleAuthor:
    """An `Author` that needs no key and no network; its texts say that they are samples."""

    def __init__(self, settings: Settings) -> None:
        """Take the latency and the pattern of failing titles from the settings."""
        self._latency_s = settings.sample_latency_s
        self._fail = re.compile(settings.sample_fail) if settings.sample_fail else None

    async def complete(
        self,
        call: Call[T],
        *,
        on_retry: OnRetry | None = None,  # noqa: ARG002 - never retries
    ) -> Completion[T]:
        """Write what is asked for, after SAMPLE_LATENCY_S.

        Raises:
            ContentRefusedError: The concept's title matches SAMPLE_FAIL.
        """
        await asyncio.sleep(self._latency_s)
        return self._written(call)

    async def stream(
        self,
        call: Call[T],
        *,
        field: str,
        on_text: OnText,
        on_retry: OnRetry | None = None,  # noqa: ARG002 - never retries
    ) -> Completion[T]:
        """Do the same, and hand the text out evenly over SAMPLE_LATENCY_S.

        Raises:
            ContentRefusedError: The concept's title matches SAMPLE_FAIL.
        """
        completion = self._written(call)
        text = str(getattr(completion.value, field))
        size = -(-len(text) // _PIECES)
        for offset in range(0, len(text), size):
            await asyncio.sleep(self._latency_s / _PIECES)
            on_text(offset, text[offset : offset + size])
        return completion

    def _written(self, call: Call[T]) -> Completion[T]:
        if isinstance(call.inputs, ContentInputs):
            self._refuse(call.inputs)
        written = _write(call)
        prompt = len(str(call.inputs.digested())) // _LETTERS_PER_TOKEN
        answer = len(str(written.model_dump())) // _LETTERS_PER_TOKEN
        value = call.output.model_validate(written.model_dump())
        usage = Usage(
            calls=1, tokens=prompt + answer, prompt_tokens=prompt, completion_tokens=answer
        )
        return Completion(value=value, usage=usage)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _refuse(self, inputs: ContentInputs) -> None:
        if self._fail is not None and self._fail.search(inputs.title):
            raise ContentRefusedError(
                f"The sample author refuses \u201c{inputs.title}\u201d because SAMPLE_FAIL "
                "matches its title; change that setting, then retry.",
                usage=Usage(calls=1),
            )


def _write(call: Call[Any]) -> Output:
    # A kind fixes the type of its inputs; a wrong pair is a programming error and shows as such.
    writers: dict[Kind, Callable[[], Output]] = {
        Kind.INTENT_ANALYSIS: lambda: intent(cast("IntentInputs", call.inputs)),
        Kind.CURRICULUM_DESIGN: lambda: design(cast("DesignInputs", call.inputs)),
        Kind.STRUCTURE_VALIDATION: lambda: StructureOpinion(issues=[]),
        Kind.EDIT_PLAN_ANALYSIS: lambda: edit_plan(cast("PlanInputs", call.inputs)),
        Kind.ROADMAP_EDIT: lambda: edit_script(cast("EditInputs", call.inputs)),
        Kind.TUTORIAL: lambda: tutorial(cast("ContentInputs", call.inputs)),
        Kind.RESOURCES: lambda: resources(cast("ContentInputs", call.inputs)),
        Kind.QUIZ: lambda: quiz(cast("ContentInputs", call.inputs)),
    }
    return writers[call.kind]()
