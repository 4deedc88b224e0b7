"""One value per event loop, never another loop's."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.loop_local import LoopLocal, _Entry


class Thing:
    """A value that knows the loop it was made in."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()


async def _get(cache: LoopLocal[Thing]) -> Thing:
    return cache.get()


def test_one_value_per_loop() -> None:
    """Within a loop it is always the same value."""
    cache = LoopLocal(Thing)

    async def twice() -> tuple[Thing, Thing]:
        return cache.get(), cache.get()

    first, second = asyncio.run(twice())
    assert first is second


def test_outside_a_loop() -> None:
    """Without a running loop there is no value, and none is made."""
    cache = LoopLocal(Thing)
    with pytest.raises(RuntimeError):
        cache.get()
    assert len(cache) == 0


def test_recycled_id() -> None:
    """A loop whose id was another loop's is never served that loop's value."""
    cache = LoopLocal(Thing)
    other = asyncio.new_event_loop()

    async def collide() -> Thing:
        foreign = other.create_task(_get(cache))
        del foreign
        thing: Thing = object.__new__(Thing)
        thing.loop = other
        # what CPython does by itself to two loops in a row, here for certain
        cache._entries[id(asyncio.get_running_loop())] = _Entry(other, thing)
        assert cache.pop() is None, "another loop's value was given away"
        return cache.get()

    own = asyncio.run(collide())
    assert own.loop is not other
    other.run_until_complete(asyncio.sleep(0))
    other.close()


def test_many_short_loops() -> None:
    """Fifty loops in a row each get their own, whatever ids CPython recycles."""
    discarded: list[Thing] = []
    cache = LoopLocal(Thing, on_discard=discarded.append)
    for _ in range(50):  # no loop is referred to from here when the next one is made
        loop = asyncio.new_event_loop()
        thing = loop.run_until_complete(_get(cache))
        assert thing.loop is loop
        loop.close()
        del loop, thing
    assert len(discarded) == 49
    assert len(cache) == 1


def test_sweep() -> None:
    """Values of closed loops are handed to `on_discard`, each once; open loops keep theirs."""
    discarded: list[Thing] = []
    cache = LoopLocal(Thing, on_discard=discarded.append)
    open_loop, closed_loop = asyncio.new_event_loop(), asyncio.new_event_loop()
    kept = open_loop.run_until_complete(_get(cache))
    lost = closed_loop.run_until_complete(_get(cache))
    closed_loop.close()
    assert cache.items() == [(id(open_loop), kept)]
    assert cache.sweep() == 1
    assert cache.sweep() == 0
    assert discarded == [lost]
    assert open_loop.run_until_complete(_get(cache)) is kept
    open_loop.close()


def test_pop() -> None:
    """What was taken out is made anew when it is asked for again, and not discarded."""
    discarded: list[Thing] = []
    cache = LoopLocal(Thing, on_discard=discarded.append)

    async def go() -> None:
        first = cache.get()
        assert cache.pop() is first
        assert cache.pop() is None
        assert cache.get() is not first

    asyncio.run(go())
    assert discarded == []


def test_loops_in_threads() -> None:
    """Two loops in two threads, asking at the same time, each get their own."""
    cache = LoopLocal(Thing)
    barrier = threading.Barrier(8)

    async def ask() -> bool:
        barrier.wait()
        things = {id(cache.get()) for _ in range(200)}
        return len(things) == 1 and cache.get().loop is asyncio.get_running_loop()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: asyncio.run(ask()), range(8)))


def test_forks() -> None:
    """A forked child forgets its parent's values without touching them, even a held lock."""
    discarded: list[Thing] = []
    cache = LoopLocal(Thing, on_discard=discarded.append)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_get(cache))
    with cache._lock:  # another thread of the parent held it at the fork
        child = os.fork()
        if child == 0:
            ok = len(cache) == 0 and not cache._lock.locked() and discarded == []
            os._exit(0 if ok else 1)
    _, status = os.waitpid(child, 0)
    loop.close()
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(cache) == 1
