"""An author's own plan: a pure function of what is finished, asked anew after each step.

It is data and not replayed code: whatever steps do, what comes next follows from what they gave,
today and after a crash alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from core.authored import AuthoredError, call, plainly
from core.errors import PlanError
from core.logging import get_logger
from core.states import Decision, Step
from workflow.authoring.declared import DeclaredReview
from workflow.authoring.order import following

if TYPE_CHECKING:
    from workflow.authoring.compiled import Compiled
    from workflow.history import Done

log = get_logger(__name__)

END: Final = "end"
"""What a plan returns when nothing is left to do."""
Next = Callable[..., Any] | str | DeclaredReview
"""What a plan returns: a step (its function or name), a review, or `END`."""


class Finished(Sequence[str]):
    """The names of the finished steps, in order; reviews are called `human_review`.

    Example:
        ```python
        @report.plan
        def plan(done: Finished, debate: Debate | None) -> Next:
            if done.last == "debate" and debate and not debate.settled and done.times("debate") < 5:
                return "debate"
            return done.next
        ```
    """

    def __init__(self, compiled: Compiled, history: Sequence[Done]) -> None:
        """Take what is finished."""
        self._compiled = compiled
        self._history = tuple(history)

    def __getitem__(self, index: Any) -> Any:
        found = self._history[index]
        return tuple(d.step for d in found) if isinstance(found, tuple) else found.step

    def __len__(self) -> int:
        return len(self._history)

    def __iter__(self) -> Iterator[str]:
        return (done.step for done in self._history)

    def __contains__(self, step: object) -> bool:
        return any(done.step == _named(step) for done in self._history)

    @property
    def last(self) -> str | None:
        """The step that ended last."""
        return self._history[-1].step if self._history else None

    @property
    def decision(self) -> Literal["approve", "reject", "edit"] | None:
        """What a human decided, if a review is what ended last."""
        if self.last != Step.HUMAN_REVIEW:
            return None
        found: Literal["approve", "reject", "edit"] | None
        found = self._history[-1].output.get("decision")
        return found

    def times(self, step: Callable[..., Any] | str) -> int:
        """Return how often a step has ended."""
        return sum(done.step == _named(step) for done in self._history)

    def approved(self, step: Callable[..., Any] | str) -> bool:
        """Tell whether a human has let the newest result of a step pass, as it was or edited."""
        for done in reversed(self._history):
            if done.step == Step.HUMAN_REVIEW and done.output.get("of") == _named(step):
                return done.output.get("decision") != Decision.REJECT
            if done.step == _named(step):
                return False
        return False

    @property
    def next(self) -> Next:
        """What the order of declaration says."""
        return following(self._compiled.way, self._history) or END


def _named(step: object) -> str:
    step = plainly(step)
    return step if isinstance(step, str) else str(getattr(step, "__name__", step))


def planned(compiled: Compiled, history: Sequence[Done], request: Any) -> str | DeclaredReview:
    """Return what an author's plan says comes next.

    Raises:
        PlanError: It fails, or names what is no step.
    """
    plan = compiled.plan
    if plan is None:
        return following(compiled.way, history) or END
    given = {"done": Finished(compiled, history), "request": request}
    arguments = {
        name: given[name] if name in given else compiled.result_or_none(history, name)
        for name in plan.parameters
    }
    try:
        told = plainly(call(plan.function, **arguments))
    except AuthoredError as error:
        log.exception("plan_crashed", workflow=compiled.name)
        raise PlanError(
            f"The plan of {compiled.name!r} raised {error.kind}; see the worker's log."
        ) from error
    return _meant(compiled, told)


def _meant(compiled: Compiled, told: Any) -> str | DeclaredReview:
    if isinstance(told, DeclaredReview) and compiled.reviews.get(told.of) == told:
        return told
    if isinstance(told, str) and (told in compiled.declared or told == END):
        return told
    if callable(told):
        for step in compiled.declared.values():
            if step.signature.function is told:
                return step.name
    shown = "nothing" if told is None else f"{_named(told)!r}"
    raise PlanError(
        f"The plan of {compiled.name!r} returned {shown}, which is no step of it, no review, and"
        f" not `END`; its steps are {', '.join(compiled.declared)}."
    )
