"""How many keys of a step are worked on at a time: parts of one key share a slot."""

from __future__ import annotations

import asyncio


class KeySlot:
    """One of the slots of a step, for all parts of one key."""

    __slots__ = ("_lock", "_slots", "_taken")

    def __init__(self, slots: asyncio.Semaphore, *, holds: int = 0) -> None:
        """Begin.

        Args:
            slots: Those of the step.
            holds: So many parts of the key have the slot already, which was taken for them.
        """
        self._slots = slots
        self._taken = holds
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Wait for the slot, unless another part of the key has it."""
        async with self._lock:
            if not self._taken:
                await self._slots.acquire()
            self._taken += 1

    def give(self) -> None:
        """Give it to another key, unless another part of this one needs it."""
        if self.leave():
            self._slots.release()

    def leave(self) -> bool:
        """Let go of it; tell whether no other part needs it: then it is the caller's."""
        self._taken -= 1
        return not self._taken


class SlotHold:
    """One part's hold on the slot of its key."""

    __slots__ = ("_held", "_slot")

    def __init__(self, slot: KeySlot, *, held: bool = False) -> None:
        """Hold nothing yet, or a slot that was taken for it."""
        self._slot = slot
        self._held = held

    async def take(self) -> None:
        """Wait for the slot."""
        await self._slot.take()
        self._held = True

    def give(self) -> None:
        """Let go of it, if it is held."""
        if self._held:
            self._held = False
            self._slot.give()

    def leave(self) -> bool:
        """Let go of it, if it is held; tell whether the slot is the caller's now."""
        if not self._held:
            return False
        self._held = False
        return self._slot.leave()
