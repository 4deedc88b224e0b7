"""A queue that takes turns between users: who waits with one call is not behind five hundred."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """First in, first out for each user; the users take turns. Every operation is O(1).

    `discard` alone looks through the waiting items of one user.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0

    def push(self, user: str, item: T) -> None:
        """Put an item at the end of its user's line; a new line stands behind all others."""
        self._lines.setdefault(user, deque()).append(item)
        self._count += 1

    def peek(self) -> T:
        """Return the item whose turn it is.

        Raises:
            IndexError: Nothing waits.
        """
        for line in self._lines.values():
            return line[0]
        raise IndexError("nothing waits")

    def pop(self) -> T:
        """Take the item whose turn it is; its user's next one comes after everybody else's.

        Raises:
            IndexError: Nothing waits.
        """
        if not self._lines:
            raise IndexError("nothing waits")
        user, line = next(iter(self._lines.items()))
        item = line.popleft()
        if line:
            self._lines.move_to_end(user)
        else:
            del self._lines[user]
        self._count -= 1
        return item

    def discard(self, user: str, item: T) -> bool:
        """Take an item out that no longer waits; tell whether it was there."""
        line = self._lines.get(user)
        if line is None or item not in line:
            return False
        line.remove(item)
        if not line:
            del self._lines[user]
        self._count -= 1
        return True

    def __len__(self) -> int:
        """Return how many items wait."""
        return self._count
