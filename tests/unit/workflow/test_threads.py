"""Functions that block run in a bounded number of threads, which nobody waits for in vain."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from core.frames import authors_traceback, raised_at
from core.settings import get_settings
from core.time_limit import TimeLimit
from workflow import threads
from workflow.threads import LEFT, close_threads, in_thread
from workflow.trying import bounded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")


@pytest.fixture
async def _two_threads(settings_env: pytest.MonkeyPatch) -> AsyncIterator[None]:
    settings_env.setenv("ROADMAP_STEP_THREADS", "2")
    get_settings.cache_clear()
    yield
    await close_threads()


@pytest.mark.usefixtures("_two_threads")
async def test_results_errors_and_context() -> None:
    """What a function returns or raises comes back, whatever it raises; its context is a copy."""
    NAME.set("me")

    def look() -> tuple[str, str]:
        seen = NAME.get()
        NAME.set("changed")
        return seen, threading.current_thread().name

    seen, thread = await in_thread(look)
    assert seen == NAME.get() == "me"
    assert thread == "step-1"
    assert (await in_thread(look))[1] == "step-1", "a second thread for one function at a time"
    for error in (ValueError("x"), SystemExit(1), KeyError("y")):

        def fail(error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)):
            await in_thread(fail)

    def stop() -> None:
        next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration") as told:
        await in_thread(stop)
    assert "next(iter(()))" in authors_traceback(told.value)
    of_the_engine = told.value.with_traceback(None)
    assert raised_at(of_the_engine).endswith(", in stop"), "nobody learns where it was raised"


@pytest.mark.usefixtures("_two_threads")
async def test_the_wait_for_a_place_is_not_counted() -> None:
    """Two run at a time; the third waits its turn, for which its time stands still."""
    free = threading.Event()
    running = [asyncio.create_task(in_thread(free.wait, 10)) for _ in range(2)]

    third = partial(in_thread, lambda: "its turn")
    waiting = asyncio.create_task(bounded(third, limit=TimeLimit(0.5), name="third"))
    await asyncio.sleep(0.6)
    assert not waiting.done()
    free.set()
    assert await waiting == "its turn"
    await asyncio.gather(*running)


@pytest.mark.usefixtures("_two_threads")
async def test_who_is_left_behind_holds_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled callers stop waiting at once; their threads do not keep others from running."""
    monkeypatch.setattr(threads, "CLOSE_S", 0.05)
    free = threading.Event()
    before = LEFT._value.get()
    running = [asyncio.create_task(in_thread(free.wait, 10)) for _ in range(2)]
    await asyncio.sleep(0.05)
    for each in running:
        each.cancel()
    await asyncio.wait(running, timeout=1)
    assert all(each.cancelled() for each in running)
    assert LEFT._value.get() == before + 2
    async with asyncio.timeout(2):
        assert await in_thread(lambda: "free") == "free"
        await close_threads()  # waits for nobody for long
    free.set()
