"""One value per event loop, or per process: what belongs to one is never handed to another.

`id(loop)` is recycled by CPython as soon as a loop is collected (50 runs, 39 ids), so a cache
keyed by it alone serves a dead loop's engine to a new loop. A `WeakKeyDictionary` is not enough
either: a connected engine references its own loop and so keeps its entry alive for ever. Hence:
keyed by id, the loop's identity checked on every look-up, closed loops swept.

A forked child has copies of all its parent's values, and perhaps of a lock that a thread of the
parent held. It forgets them all, here, in one place.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    loop: asyncio.AbstractEventLoop
    value: T


_numbers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, int]] = WeakKeyDictionary()
_numbered: Final = itertools.count(1)
_numbering = threading.Lock()


def loop_number() -> int:
    """Return the running loop's number: the first loop that was asked about is 1, the next 2.

    For people who read logs: an id would be an address in memory, and is recycled.
    """
    loop = asyncio.get_running_loop()
    with _numbering:
        number = _numbers.get(loop)
        if number is None:
            number = _numbers[loop] = next(_numbered)
        return number


_all: Final[WeakSet[LoopLocal[Any] | ProcessLocal[Any]]] = WeakSet()
"""What a forked child forgets."""
_parents: Final[list[Any]] = []
"""What it forgot: kept, or their destructors would touch what is the parent's."""


class LoopLocal(Generic[T]):
    """A cache of one value per event loop, safe to use from several loops in several threads."""

    def __init__(
        self,
        factory: Callable[[], T],
        *,
        on_discard: Callable[[T], None] | None = None,
    ) -> None:
        """Remember how to make a value, and what to do with one whose loop is gone.

        Args:
            factory: Called in the running loop that has no value yet.
            on_discard: Called for each value whose loop was found closed. It must not await:
                the loop it belonged to can run nothing any more.
        """
        self._factory = factory
        self._on_discard = on_discard
        self._entries: dict[int, _Entry[T]] = {}
        self._last: _Entry[T] | None = None
        self._lock = threading.Lock()
        _all.add(self)

    def get(self) -> T:
        """Return the running loop's value, making it on first use.

        Raises:
            RuntimeError: No event loop is running in this thread.
        """
        loop = asyncio.get_running_loop()
        last = self._last
        if last is not None and last.loop is loop:
            return last.value
        entry = self._entries.get(id(loop))
        if entry is None or entry.loop is not loop:
            self.sweep()
            with self._lock:
                entry = self._entries.get(id(loop))
                if entry is None or entry.loop is not loop:
                    entry = _Entry(loop, self._factory())
                    self._entries[id(loop)] = entry
        self._last = entry
        return entry.value

    def pop(self) -> T | None:
        """Take the running loop's value out of the cache, or return None."""
        loop = asyncio.get_running_loop()
        with self._lock:
            entry = self._entries.get(id(loop))
            if entry is None or entry.loop is not loop:
                return None
            del self._entries[id(loop)]
            self._last = None
            return entry.value

    def sweep(self) -> int:
        """Discard the values of closed loops; return how many there were."""
        with self._lock:
            dead = [key for key, entry in self._entries.items() if entry.loop.is_closed()]
            entries = [self._entries.pop(key) for key in dead]
            self._last = None
        if self._on_discard is not None:
            for entry in entries:
                self._on_discard(entry.value)
        return len(entries)

    def forget_parent(self) -> None:
        """Forget every value untouched: in a forked child they are its parent's."""
        self._lock = threading.Lock()
        _parents.append(self._entries)
        self._entries, self._last = {}, None

    def items(self) -> list[tuple[int, T]]:
        """Return `(loop id, value)` of every loop that is known and open."""
        return [
            (key, entry.value)
            for key, entry in list(self._entries.items())
            if not entry.loop.is_closed()
        ]

    def __len__(self) -> int:
        """Return how many loops have a value."""
        return len(self._entries)


class ProcessLocal(Generic[T]):
    """One value for the whole process, made on first use, whichever thread asks first."""

    def __init__(self, factory: Callable[[], T]) -> None:
        """Remember how to make the value."""
        self._factory = factory
        self._value: T | None = None
        self._lock = threading.Lock()
        _all.add(self)

    def get(self) -> T:
        """Return the value, making it on first use."""
        with self._lock:
            if self._value is None:
                self._value = self._factory()
            return self._value

    def peek(self) -> T | None:
        """Return the value, or None when there is none; makes none."""
        return self._value

    def pop(self) -> T | None:
        """Take the value out, or return None when there is none."""
        with self._lock:
            value, self._value = self._value, None
            return value

    def forget_parent(self) -> None:
        """Forget the value untouched: in a forked child it is its parent's."""
        self._lock = threading.Lock()
        _parents.append(self._value)
        self._value = None


def _forget_parent() -> None:
    global _numbering  # noqa: PLW0603 - a thread of the parent may have held it
    _numbering = threading.Lock()
    for each in list(_all):
        each.forget_parent()


os.register_at_fork(after_in_child=_forget_parent)
