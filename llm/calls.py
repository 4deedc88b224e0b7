"""The port to language models: what a call is made of, and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from roadmaps.outputs import Difficulty, Output
from roadmaps.search.port import Hit

if TYPE_CHECKING:
    from core.usage import Usage

T = TypeVar("T", bound=Output)


class CallKind(StrEnum):
    """What a call is for; also the name of its prompt file and of its JSON Schema."""

    INTENT_ANALYSIS = "intent_analysis"
    CURRICULUM_DESIGN = "curriculum_design"
    STRUCTURE_VALIDATION = "structure_validation"
    EDIT_PLAN_ANALYSIS = "edit_plan_analysis"
    ROADMAP_EDIT = "roadmap_edit"
    TUTORIAL = "tutorial"
    RESOURCES = "resources"
    QUIZ = "quiz"


class Inputs(BaseModel):
    """What a prompt is written from."""

    model_config = ConfigDict(frozen=True)

    def digested(self) -> dict[str, Any]:
        """Return what counts for the digest: when that changes, an answer is stale."""
        return self.model_dump(mode="json")


class Learner(Inputs):
    """The request, as far as prompts need it."""

    goal: str
    level: Difficulty = "beginner"
    hours_per_week: int = 5
    language: str | None = None
    background: str | None = None
    content_formats: tuple[str, ...] = ()


class IntentInputs(Inputs):
    """For `intent_analysis` → `IntentAnalysis`."""

    learner: Learner


class DesignInputs(Inputs):
    """For `curriculum_design` → `CurriculumDraft`."""

    learner: Learner
    topic: str
    summary: str
    language: str
    focus_areas: tuple[str, ...]
    skill_gaps: tuple[str, ...]
    skills: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()


class OutlineInputs(Inputs):
    """For `structure_validation` → `StructureOpinion`.

    `outline` is text: one line per part with its key, such as `C3 Ownership (3 h, beginner)`.
    """

    learner: Learner
    language: str
    outline: str


class PlanInputs(OutlineInputs):
    """For `edit_plan_analysis` → `EditPlan`. `feedback` comes from the reviewer or the checks."""

    feedback: str
    source: str
    """`human_review` or `structure_validation`."""


class EditInputs(PlanInputs):
    """For `roadmap_edit` → `EditScript`. `plan` is the edit plan as text, one intent per line."""

    plan: str


class ConceptContext(Inputs):
    """Where a concept stands: what a writer must know of the rest of the roadmap."""

    outline: str = ""
    """As text, one line per part; the same for all concepts of a roadmap."""
    stage: str = ""
    module: str = ""
    previous: str | None = None
    next: str | None = None
    prerequisites: tuple[str, ...] = ()
    """Titles of concepts that were learnt before."""


class ContentInputs(Inputs):
    """For `tutorial`, `resources`, `quiz` → `Tutorial`, `ResourceList`, `QuizDraft`.

    Only what is the concept's own counts for the digest. Its context colours the text, but an edit
    elsewhere in the roadmap does not make a finished text stale; nor does what a search finds.
    """

    learner: Learner
    language: str
    topic: str
    title: str
    description: str
    estimated_hours: float
    difficulty: Difficulty
    context: ConceptContext = ConceptContext()
    hits: tuple[Hit, ...] = ()
    """Pages that a search found, for `resources`."""

    def digested(self) -> dict[str, Any]:
        """Return what is the concept's own."""
        return self.model_dump(mode="json", exclude={"context", "hits"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[T]):
    """One structured completion to ask for.

    Attributes:
        kind: What it is for.
        inputs: What the prompt is written from.
        output: The shape of the answer.
        user: Whose task it is for: calls that wait take turns by user.
        expected_tokens: What one request of this kind usually takes, prompt included.
        max_tokens: Bounds this call's answer when the task's budget leaves less than the model's
            own limit; None leaves it to the model.
    """

    kind: CallKind
    inputs: Inputs
    output: type[T]
    user: str = ""
    expected_tokens: int = 0
    max_tokens: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion(Generic[T]):
    """A model's answer in the shape that was asked for."""

    value: T
    usage: Usage


OnRetry = Callable[[str], Awaitable[None]]
"""Told before each further try, with the error's stable code."""

OnText = Callable[[int, str], None]
"""Told each new piece of a text and where in the text it stands, in characters. After a repair or
a retry the text begins again at 0. Must return at once and never raise."""


class Author(Protocol):
    """Whoever writes: an OpenAI-compatible server, or the offline sample author.

    The port has two methods, and both are one structured completion: `complete` returns it, and
    `stream` also hands out one text of it while that is being written.
    """

    async def complete(self, call: Call[T], *, on_retry: OnRetry | None = None) -> Completion[T]:
        """Answer the call in its shape.

        Raises:
            ProviderError: One of its subclasses; `details["usage"]` is the `Usage` spent in vain.
        """
        ...

    async def stream(
        self, call: Call[T], *, field: str, on_text: OnText, on_retry: OnRetry | None = None
    ) -> Completion[T]:
        """Answer the call in its shape, and hand out a field's text while it is being written.

        What is handed out is not checked yet: only what is returned counts.

        Args:
            call: What to write, from what, in which shape.
            field: The output's field to hand out, a text at its top.
            on_text: Takes the pieces; from a server that does not stream there are none.
            on_retry: Told before each further try.

        Raises:
            ProviderError: One of its subclasses; `details["usage"]` is the `Usage` spent in vain.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open; the author is not used after this."""
        ...
