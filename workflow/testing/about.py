"""What a workflow's own functions are doing at a moment, and who is told of it."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from core.errors import AppError
from core.frames import authors_traceback
from workflow.failures import Retryable
from workflow.history import round_of
from workflow.parts import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workflow.definition import Definition
    from workflow.parts import Need
    from workflow.step import PartsStep, StepBody


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """A step's body, or the making of one part.

    Attributes:
        step: Its name.
        round: Which time it is that the step runs in the task, 1 for the first. Of a part, 1.
        key: The part's; empty for a step.
        kind: Which of a key's parts.
        title: What people call the part.
        version: Which version of the part.
    """

    step: str
    round: int = 1
    key: str = ""
    kind: str = ""
    title: str = ""
    version: int = 1

    def __str__(self) -> str:
        """Return it in words."""
        if self.key:
            kind = f" ({self.kind})" if self.kind and self.kind != self.step else ""
            return f"part {self.step}/{self.key}{kind}"
        return f"step {self.step}" + (f", round {self.round}" if self.round > 1 else "")


_about: Final[ContextVar[About | None]] = ContextVar("roadmap_lab_about", default=None)


def about_now() -> About | None:
    """Return what the running code belongs to; None outside of a workflow's own functions."""
    return _about.get()


class Watcher(Protocol):
    """Told what a workflow's own functions do."""

    def began(self, about: About) -> None:
        """One begins."""
        ...

    def ended(self, about: About, error: BaseException | None) -> None:
        """One ended; what it gave is not committed yet."""
        ...

    def listed(self, step: str, needs: Sequence[Need]) -> None:
        """These are the parts that there should be."""
        ...


_watcher: Final[ContextVar[Watcher | None]] = ContextVar("roadmap_lab_watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Have a watcher told of what runs within the block."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def watched(definition: Definition) -> Definition:
    """Return a workflow that does the same, and tells whoever watches."""
    same = copy.copy(definition)
    same.steps = {name: _watched_body(name, body) for name, body in definition.steps.items()}
    same.parts = {name: _watched_parts(name, parts) for name, parts in definition.parts.items()}
    return same


def _watched_body(name: str, body: StepBody) -> StepBody:
    async def run(context: Any) -> Any:
        with _told(About(step=name, round=round_of(context.history, name))):
            return await body(context)

    return run


def _watched_parts(name: str, parts: PartsStep) -> PartsStep:
    same = copy.copy(parts)
    same.make = partial(_make, parts)  # type: ignore[method-assign]  # of this copy alone
    same.list = partial(_list, name, parts)  # type: ignore[method-assign]  # ditto
    return same


async def _make(parts: PartsStep, /, *args: Any, **named: Any) -> Any:
    want = next(each for each in (*args, *named.values()) if isinstance(each, Wanted))
    need = want.need
    about = About(
        step=want.step, key=need.key, kind=need.kind, title=need.title, version=want.version
    )
    with _told(about):
        return await parts.make(*args, **named)


async def _list(name: str, parts: PartsStep, /, *args: Any, **named: Any) -> Any:
    needs = await parts.list(*args, **named)
    if (watcher := _watcher.get()) is not None:
        watcher.listed(name, needs)
    return needs


@contextmanager
def _told(about: About) -> Iterator[None]:
    token, watcher = _about.set(about), _watcher.get()
    if watcher is not None:
        watcher.began(about)
    try:
        yield
    except BaseException as error:
        if watcher is not None:
            watcher.ended(about, error)
        raise
    else:
        if watcher is not None:
            watcher.ended(about, None)
    finally:
        _about.reset(token)


def traceback_of(error: BaseException | None) -> str | None:
    """Return the traceback of what a workflow's own code did not foresee, with its own frames.

    None for what says itself to people how a step or part failed.
    """
    cause = error.__cause__ if isinstance(error, AppError) else error
    if not isinstance(cause, Exception) or isinstance(cause, AppError | Retryable):
        return None
    return authors_traceback(cause)
