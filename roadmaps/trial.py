"""A trial of the configured provider: the calls of a small roadmap, made as the work makes them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.provider_errors import ProviderError
from core.usage import Usage
from llm.calls import Call
from llm.openai_compatible import OpenAIAuthor
from llm.tries import BACKOFF_S
from roadmaps.inputs import (
    CallKind,
    ContentInputs,
    DesignInputs,
    Inputs,
    IntentInputs,
    Learner,
    OutlineInputs,
)
from roadmaps.kinds import KINDS
from roadmaps.outputs import (
    ConceptDraft,
    CurriculumDraft,
    IntentAnalysis,
    StructureOpinion,
)
from roadmaps.prompts import RoadmapPrompt

if TYPE_CHECKING:
    from core.settings import Settings
    from llm.abilities import Abilities
    from llm.calls import T
    from llm.learned import Memory
    from roadmaps.kinds import Kind

TRIES: Final = 3
"""A passing failure is got past, as the work would; one that stays is worth a word soon."""

_LEARNER: Final = Learner(
    goal="Learn to tie a bowline knot", level="beginner", hours_per_week=1, language="en"
)
_SMALL: Final = "The roadmap has exactly one stage with one module with one concept."


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """How a provider did.

    Attributes:
        seconds: How long it took.
        spent: What each kind of call cost.
        start: How it was asked first: by its preset, or by what was learned before.
        abilities: How it was asked last.
        streamed: Whether the text came in pieces; None when it was not asked to.
        failed: The kind of call that failed, if one did.
        error: Why.
    """

    seconds: float
    spent: dict[str, Usage]
    start: Abilities
    abilities: Abilities
    streamed: bool | None
    failed: str | None = None
    error: ProviderError | None = None

    @property
    def usage(self) -> Usage:
        """What all of it cost."""
        return sum(self.spent.values(), Usage())


class _Asking:
    """Makes the calls of the trial, and keeps what they cost."""

    def __init__(self, settings: Settings, author: OpenAIAuthor) -> None:
        self._settings = settings
        self._author = author
        self.spent: dict[str, Usage] = {}
        self.pieces = 0
        self.failed: str | None = None

    async def all(self) -> None:
        intent = await self.ask(
            CallKind.INTENT_ANALYSIS, IntentInputs(learner=_LEARNER), IntentAnalysis
        )
        design = await self.ask(
            CallKind.CURRICULUM_DESIGN,
            DesignInputs(
                learner=_LEARNER,
                topic=intent.topic,
                summary=intent.summary,
                language="en",
                focus_areas=tuple(intent.focus_areas[:1]),
                skill_gaps=(),
                constraints=(_SMALL,),
            ),
            CurriculumDraft,
        )
        concept = design.stages[0].modules[0].concepts[0]
        outline = (
            f"S1 {design.title}\n  M1 {design.title}\n    C1 {concept.title} (1 h, beginner)\n"
        )
        await self.ask(
            CallKind.STRUCTURE_VALIDATION,
            OutlineInputs(learner=_LEARNER, language="en", outline=outline),
            StructureOpinion,
        )
        inputs = _content(intent.topic, concept)
        async with asyncio.TaskGroup() as group:
            for kind in KINDS.values():
                group.create_task(self.content(kind, inputs))

    async def content(self, kind: Kind, inputs: ContentInputs) -> None:
        prompt = kind.prompt(inputs)
        if kind.text is None or not self._settings.llm_stream:
            await self.told(prompt, kind.output)
            return

        def count(_offset: int, _text: str) -> None:
            self.pieces += 1

        call = self._call(prompt, kind.output)
        with _noting(self, kind.name):
            completion = await self._author.stream(call, field=kind.text, on_text=count)
            self.spent[kind.name] = completion.usage

    async def ask(self, kind: CallKind, inputs: Inputs, output: type[T]) -> T:
        return await self.told(RoadmapPrompt(kind, inputs), output)

    async def told(self, prompt: RoadmapPrompt, output: type[T]) -> T:
        with _noting(self, prompt.kind):
            completion = await self._author.complete(self._call(prompt, output))
            self.spent[prompt.kind] = completion.usage
            return completion.value

    def _call(self, prompt: RoadmapPrompt, output: type[T]) -> Call[T]:
        budget = self._settings.max_tokens_per_task
        return Call(prompt=prompt, output=output, max_tokens=budget or None)


class _noting:  # noqa: N801 - a context manager, read as a word
    """Notes which kind of call failed first, and what it spent."""

    def __init__(self, asking: _Asking, kind: str) -> None:
        self._asking, self._kind = asking, kind

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        """Note a failure."""
        if isinstance(error, ProviderError) and self._asking.failed is None:
            self._asking.failed = self._kind
            self._asking.spent[self._kind] = error.details.get("usage", Usage(calls=1))


async def try_provider(
    settings: Settings, *, memory: Memory | None = None, backoff_s: float = BACKOFF_S
) -> Trial:
    """Write a roadmap of one concept, by the same code as the work.

    Answers are repaired and what fails in passing is tried again, as in the work, only not as
    often; a time-out is met once.

    Args:
        settings: Which provider.
        memory: What was learned of it before.
        backoff_s: The first pause between tries.

    Raises:
        SettingsError: Address or model are missing.
    """
    author = OpenAIAuthor(
        settings, tries=TRIES, timed_out_tries=1, memory=memory, backoff_s=backoff_s
    )
    asking = _Asking(settings, author)
    error: ProviderError | None = None
    started = time.monotonic()
    await author.recalled()
    start = author.learned.abilities
    try:
        await asking.all()
    except (ProviderError, BaseExceptionGroup) as failure:
        error = _first(failure)
    finally:
        await author.aclose()
    return Trial(
        seconds=time.monotonic() - started,
        spent=asking.spent,
        start=start,
        abilities=author.learned.abilities,
        streamed=bool(asking.pieces) if settings.llm_stream else None,
        failed=asking.failed,
        error=error,
    )


def _first(failure: BaseException) -> ProviderError:
    """Return the provider's failure that ended a group of calls, or raise what else did."""
    if isinstance(failure, ProviderError):
        return failure
    if isinstance(failure, BaseExceptionGroup):
        return _first(failure.exceptions[0])
    raise failure


def _content(topic: str, concept: ConceptDraft) -> ContentInputs:
    return ContentInputs(
        learner=_LEARNER,
        language="en",
        topic=topic,
        title=concept.title,
        description=concept.description,
        estimated_hours=concept.estimated_hours,
        difficulty=concept.difficulty,
    )
