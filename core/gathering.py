"""Does at once what many ask for at the same moment."""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 100
GATHERING_S: Final = 0.004
"""How long more are waited for while several wait already; one alone waits for nothing."""


@dataclass(slots=True)
class Asked(Generic[K, V]):
    """What one caller asks for."""

    item: K
    answer: asyncio.Future[V]
    context: Context = field(default_factory=copy_context)
    """The caller's."""

    @property
    def left(self) -> bool:
        """Its caller waits no more."""
        return self.answer.done()


class Gathering(Generic[K, V]):
    """One event loop's way to do something for many at once.

    While it is done for some, the next ones gather; so the number of those that share a transaction
    grows with the load.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Asked[K, V]]], Awaitable[Sequence[V | BaseException]]],
        *,
        unheard: Callable[[V], None] = lambda _: None,
    ) -> None:
        """Nobody asks yet.

        Args:
            work: Returns what each is answered, or what is raised to it; whatever it raises is
                raised to all.
            unheard: Called with an answer whose caller was cancelled meanwhile.
        """
        self._work = work
        self._unheard = unheard
        self._asked: list[Asked[K, V]] = []
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, item: K) -> V:
        """Return the answer, together with those to whoever else asks now."""
        asked: Asked[K, V] = Asked(item, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._worker is None or self._worker.done():
            # in a context of its own, since it works for many
            self._worker = asyncio.create_task(
                self._work_off(), name="gathering", context=Context()
            )
        try:
            return await asked.answer
        except asyncio.CancelledError:
            answer = asked.answer
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._unheard(answer.result())  # it came in the same moment
            raise

    async def _work_off(self) -> None:
        while self._asked:
            some, self._asked = self._asked[:MOST], self._asked[MOST:]
            if some := [asked for asked in some if not asked.left]:
                await self._answer(some)
            if 1 < len(self._asked) < MOST:
                await asyncio.sleep(GATHERING_S)

    async def _answer(self, some: Sequence[Asked[K, V]]) -> None:
        try:
            answers = await self._work(some)
        except asyncio.CancelledError:  # the event loop ends
            for asked in some:
                asked.answer.cancel()
            raise
        except BaseException as error:  # noqa: BLE001 - each caller gets it, or waits for ever
            answers = [_raisable(error)] * len(some)
        for asked, answer in zip(some, answers, strict=True):
            if isinstance(answer, BaseException):
                if not asked.left:
                    asked.answer.set_exception(_raisable(answer))
            elif asked.left:
                self._unheard(answer)
            else:
                asked.answer.set_result(answer)


def _raisable(error: BaseException) -> Exception:
    """Return an error that a future can hold, and that ends nothing but what waits for it."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    raised = RuntimeError(f"{type(error).__name__} was raised")
    raised.__cause__ = error
    return raised
