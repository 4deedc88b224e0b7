"""Runs an author's code: bounded in time, tried again where that may help, left when it hangs.

The code runs in an asyncio task of its own. Whatever it does with its cancellation, the workflow
goes on two seconds later at most: what such code still writes is refused by the lease's fence, and
what it asks is not answered.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from typing import TYPE_CHECKING, Any, Final, TypeVar

from prometheus_client import Counter

from core.authored import readable, standing_for
from core.errors import (
    AppError,
    LeaseLostError,
    ServiceUnavailableError,
    TokenBudgetExceededError,
    UnexpectedError,
)
from core.frames import authors_traceback, raised_at
from core.logging import get_logger
from core.provider_errors import ContentRefusedError, ProviderError
from core.redaction import redacted_ends
from core.request_shapes import storable
from core.time_limit import CURRENT
from core.visible import without_middle
from workflow.failures import PartFailed, Retryable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from core.time_limit import TimeLimit

R = TypeVar("R")

log = get_logger(__name__)

GRACE_S: Final = 2.0
"""How long cancelled code may take to end."""
RETRIES: Final = 3
"""Tries after the first, of what raises `Retryable` where `retries` does not say how many."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
_SPREAD: Final = 0.2
_MOST_TRACE: Final = 8000
_MOST_READ: Final = 100_000
_MOST_FRAMES: Final = 20
_MOST_ERRORS: Final = 20
"""Of a group of them that is told."""
IGNORED: Final = Counter(
    "roadmap_cancellations_ignored_total",
    "Functions of workflows that did not end within two seconds of being cancelled.",
)
_FATAL: Final = (LeaseLostError, ServiceUnavailableError)
"""About the task's right to go on, not about what the function does."""
_FOR_GOOD: Final = (PartFailed, ContentRefusedError, TokenBudgetExceededError)
"""Another try would fail alike."""
_PLACES: Final[tuple[tuple[Any, int], ...]] = (
    (_FATAL, 0),
    (Retryable, 4),
    (_FOR_GOOD, 2),
    (AppError, 3),
)
"""Of errors among several, the gravest first; 1 is for what nobody expected."""

_NOBODY_ASKED: Final = "it was cancelled, though nobody asked for that"

_left_behind: Final[set[asyncio.Task[Any]]] = set()
"""Else they might be collected while they run."""


async def bounded(work: Callable[[], Awaitable[R]], *, limit: TimeLimit, name: str) -> R:
    """Return what some code gives within a limit; it is cancelled with its caller.

    Args:
        work: The code.
        limit: How long it may take.
        name: Of its asyncio task, for whoever looks what blocks the event loop.

    Raises:
        TimeoutError: The limit is over; what the code raises of that kind is an unexpected error.
        UnexpectedError: The code raised anything but an error of ours.
    """
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(_: object = None) -> None:
        if not ended.done():
            ended.set_result(None)

    task = asyncio.create_task(_awaited(work), name=name, context=limit.context())
    task.add_done_callback(tell)
    limit.begin(tell)
    try:
        await ended  # `asyncio.wait` is made for many, and takes twice as long
        if not task.done():
            await _stop(task)
            raise TimeoutError
    except asyncio.CancelledError:
        await _stop(task)
        raise
    finally:
        limit.end()
    if task.cancelled():
        raise _cancelled(task)
    error = task.exception()
    if error is None:
        return task.result()
    raise as_ours(error) from error


async def heeding(work: Callable[[], Awaitable[R]], *, limit: TimeLimit) -> R:
    """Do the same with code that ends as soon as it is cancelled, in the caller's own asyncio task.

    It saves each call a task, a context and two turns of the event loop.

    Args:
        work: The code.
        limit: How long it may take.

    Raises:
        TimeoutError: The limit is over.
        UnexpectedError: The code raised anything but an error of ours.
    """
    task: asyncio.Task[Any] | None = asyncio.current_task()
    if task is None:
        raise RuntimeError("this runs in an asyncio task")
    cancelled, over = task.cancelling(), False

    def end() -> None:
        nonlocal over
        over = True
        task.cancel()

    outer = CURRENT.set(limit)
    limit.begin(end)
    try:
        return await work()
    except asyncio.CancelledError as error:
        if task.cancelling() > cancelled + over:
            raise  # by somebody else
        if over:
            raise TimeoutError from None
        error.add_note(_NOBODY_ASKED)
        raise _unexpected(error) from error
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise as_ours(error) from error
    finally:
        limit.end()
        CURRENT.reset(outer)
        if over:
            task.uncancel()


class Tries:
    """Whether some code is tried again, and when."""

    __slots__ = ("_always", "_most", "_number")

    def __init__(self, retries: int | None) -> None:
        """Nothing was tried yet.

        Args:
            retries: How often it is tried again after whatever may pass; None: only if it says so
                by raising `Retryable`.
        """
        self._always = retries is not None
        self._most = RETRIES if retries is None else retries
        self._number = 0

    def pause_after(self, error: AppError) -> float | None:
        """Return how many seconds to wait before another try; None: there is none."""
        if self._number >= self._most or not _may_pass(error, always=self._always):
            return None
        self._number += 1
        return pause_s(error, self._number)


def pause_s(error: AppError, number: int) -> float:
    """Return how long to wait before a further try: as the error says, or longer each time."""
    if isinstance(error, Retryable) and error.after_s is not None:
        return error.after_s
    whole: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (number - 1))
    return whole * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311 - no secret


def as_ours(error: BaseException) -> AppError:
    """Return the error of ours that says what code raised; out of several at once, the gravest."""
    try:
        gravest = min(_all_of(error), key=_grave)
        return gravest if isinstance(gravest, AppError) else _unexpected(error)
    except Exception as problem:  # noqa: BLE001 - the error's own class may raise anything
        return _unexpected(standing_for(error, problem))


def _grave(error: BaseException) -> int:
    """Return the place of an error among several, the gravest first."""
    return next((place for kinds, place in _PLACES if isinstance(error, kinds)), 1)


def _cancelled(task: asyncio.Task[Any]) -> UnexpectedError:
    """Return what code says that was cancelled by itself."""
    try:
        task.result()
    except asyncio.CancelledError as error:
        error.add_note(_NOBODY_ASKED)
        return _unexpected(error)
    raise RuntimeError("it was not cancelled")


def _unexpected(error: BaseException) -> UnexpectedError:
    """Return what everybody may see of an error, and what only admins see."""
    error = readable(_shallow(error))
    trace = authors_traceback(error, most=_MOST_FRAMES)
    text = storable(redacted_ends(trace, _MOST_READ))
    words = "".join(traceback.format_exception_only(error)).strip()
    said = redacted_ends(words, _MOST_READ)
    log.error("function_raised", error=said, at=raised_at(error), exc_info=error)
    # its place stands at the beginning, its words at the end
    return UnexpectedError(trace=without_middle(text, _MOST_TRACE))


def _shallow(error: BaseException) -> BaseException:
    """Return an error of which no group is in another: what prints them goes down by recursion."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    if not any(isinstance(inner, BaseExceptionGroup) for inner in error.exceptions):
        return error
    flat = BaseExceptionGroup(error.message, _all_of(error)[:_MOST_ERRORS])
    return flat.with_traceback(error.__traceback__)


def _all_of(error: BaseException) -> list[BaseException]:
    """Return an error, or all that a group is made of, in their order, however deep."""
    found, left = [], [error]
    while left:
        each = left.pop()
        if isinstance(each, BaseExceptionGroup):
            left.extend(reversed(each.exceptions))
        else:
            found.append(each)
    return found


def _may_pass(error: AppError, *, always: bool) -> bool:
    if isinstance(error, Retryable):
        return True
    if isinstance(error, (*_FATAL, *_FOR_GOOD)):
        return False
    return always and not (isinstance(error, ProviderError) and error.stops_task)


async def _awaited(work: Callable[[], Awaitable[R]]) -> R:
    try:
        return await work()
    except (SystemExit, KeyboardInterrupt) as error:  # either would end the whole event loop
        raise RuntimeError(f"it raised {type(error).__name__}") from error


async def _stop(task: asyncio.Task[Any]) -> None:
    """Cancel code and wait for its end, but not for ever."""
    task.cancel()
    try:
        await asyncio.wait({task}, timeout=GRACE_S)
    finally:
        if not task.done():
            IGNORED.inc()
            _left_behind.add(task)
            asyncio._unregister_task(task)  # noqa: SLF001 - or the loop's end would wait for it
            log.error("cancellation_ignored", function=task.get_name(), waited_s=GRACE_S)
        task.add_done_callback(_forget)


def _forget(task: asyncio.Task[Any]) -> None:
    _left_behind.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        # nobody waits for it any more
        log.info("function_failed_when_cancelled", error=type(error).__name__)
