"""How many keys of a step are worked on at a time: parts of one key share a slot."""

from __future__ import annotations

import asyncio


class KeySlot:
    """One of the slots of a step, for all parts of one key."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        """Nothing of the key is being made yet."""
        self._slots = slots
        self._taken = 0
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Wait for the slot, unless another part of the key has it."""
        async with self._lock:
            if not self._taken:
                await self._slots.acquire()
            self._taken += 1

    def give(self) -> None:
        """Give it to another key, unless another part of this one needs it."""
        self._taken -= 1
        if not self._taken:
            self._slots.release()


class SlotHold:
    """One part's hold on the slot of its key."""

    def __init__(self, slot: KeySlot) -> None:
        """Hold nothing yet."""
        self._slot = slot
        self._held = False

    async def take(self) -> None:
        """Wait for the slot."""
        await self._slot.take()
        self._held = True

    def give(self) -> None:
        """Let go of it, if it is held."""
        if self._held:
            self._held = False
            self._slot.give()
