"""Reviews in a test: what is asked, and who decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.actor import Actor
from core.states import Decision, ReviewStatus, Then
from db.ledger import lock_tasks
from db.session import transaction
from workflow.checkpoints import finished_steps
from workflow.decisions import decide_review
from workflow.registry import definition_of
from workflow.reviews import newest_review
from workflow.testing.errors import ScriptError
from workflow.testing.looking import typed_result

if TYPE_CHECKING:
    from uuid import UUID

Decide = str | Mapping[str, Any] | Callable[..., Any] | None
"""A decision for all reviews, or a function that is given each and returns one."""

_FIELDS: Final = frozenset({"decision", "feedback", "value", "edits", "then"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenReview:
    """A question to a human.

    Attributes:
        task_id: Of which task.
        of: The step that is asked about.
        value: What it gave, in the shape of its annotation. `review["value"]` is the same as JSON,
            as the API has it; of a step that makes parts it is a mapping of these by their keys.
        version: Which version of it.
        round: 1 for the task's first question, and one more for each further one.
        title: What people call the task.
        schema: The JSON Schema of `value`.
    """

    task_id: UUID
    of: str
    value: Any
    version: int
    round: int
    title: str
    schema: Mapping[str, Any] | None = None
    json: Any = None

    def __getitem__(self, name: str) -> Any:
        """Return a field as the API shows it."""
        if name == "value":
            return self.json
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """A decision as the engine reads it."""

    decision: Decision
    feedback: str | None = None
    edits: Any = None
    then: Then | None = None
    replaces: bool = False
    """The changes are a whole value, as own workflows take it."""

    @property
    def looks_again(self) -> bool:
        """The edited version is to be reviewed once more."""
        return self.decision is Decision.EDIT and self.then is Then.REVIEW


async def decide_open_review(task_id: UUID, decide: Decide) -> bool:
    """Decide the open review of a task; False when the test leaves it open.

    Raises:
        ScriptError: What the test decides is no decision.
    """
    review = await _seen(task_id)
    answer = _answer(await _said(decide, review))
    if answer is None:
        return False
    await decide_review(task_id, answer, actor=Actor(user_id="reviewer", admin=True))
    return True


async def _seen(task_id: UUID) -> SeenReview:
    async with transaction() as tx:
        row = (await lock_tasks(tx.session, [task_id]))[task_id]
        review = await newest_review(tx.session, task_id)
        definition = definition_of(row.workflow)
        history = await finished_steps(tx.session, task_id)
        subject = await definition.under_review(tx.session, row, history)
    if review is None or review.status != ReviewStatus.OPEN:
        raise ScriptError(f"The task {task_id} has no open review.")
    of = getattr(subject, "of", "")
    stored = next((done.output for done in reversed(history) if done.step == of), None)
    typed = (
        getattr(subject, "value", None)
        if stored is None or of in definition.parts  # whose step gives but a summary of them
        else typed_result(definition, of, stored)
    )
    return SeenReview(
        task_id=task_id,
        of=of,
        value=typed,
        json=getattr(subject, "value", None),
        version=review.version,
        round=review.round,
        title=subject.title,
        schema=getattr(subject, "schema", None),
    )


async def _said(decide: Decide, review: SeenReview) -> Any:
    if decide is None:
        return Decision.APPROVE
    if not callable(decide):
        return decide
    found = decide(review)
    return await found if isinstance(found, Awaitable) else found


def _answer(said: Any) -> _Answer | None:
    if said is None:
        return None
    given: Any = {"decision": said} if isinstance(said, str) else said
    if not isinstance(given, Mapping) or not given.keys() <= _FIELDS:
        raise ScriptError(_wrong(said))
    try:
        decision = Decision(given.get("decision", ""))
        then = Then(given["then"]) if given.get("then") else None
    except ValueError:
        raise ScriptError(_wrong(said)) from None
    edits = given.get("value", given.get("edits"))
    if hasattr(edits, "model_dump"):
        edits = edits.model_dump(mode="json")
    return _Answer(
        decision=decision,
        feedback=given.get("feedback"),
        edits=edits,
        then=then,
        replaces="value" in given,
    )


def _wrong(said: Any) -> str:
    return (
        f"`decide` gave {said!r}. A decision is 'approve', or a dictionary as the API takes it:"
        ' {"decision": "reject", "feedback": "…"} or {"decision": "edit", "value": {…}};'
        " None leaves the review open."
    )
