"""The tokens that a task may still spend while several of its calls run at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.errors import TokenBudgetExceededError
from core.settings import get_settings
from core.time_limit import in_line

if TYPE_CHECKING:
    from core.usage import Usage


class Budget:
    """What a task has spent in all its attempts, and what its running calls are expected to.

    A call begins only when what is spent and what is expected leave room for it; while others
    run it waits to see what they really took. So the limit is passed, if at all, by what the last
    calls took more than expected.
    """

    def __init__(self, spent: Usage, own_limit: int | None = None) -> None:
        """Begin with what was spent.

        Args:
            spent: By earlier attempts.
            own_limit: What the workflow allows; None leaves it to MAX_TOKENS_PER_TASK.
        """
        self._spent = spent.tokens
        self._own_limit = own_limit
        self._expected = 0
        self._running = 0
        self._ended = asyncio.Event()

    def spend(self, usage: Usage) -> None:
        """Add what a call took."""
        self._spent += usage.tokens

    async def hold(self, tokens: int) -> int | None:
        """Hold back what a call is expected to take, until that is let go.

        Returns:
            How many tokens it may take at most; None without a limit.

        Raises:
            TokenBudgetExceededError: Nothing is left.
        """
        limit, _ = self._limit()
        if limit:
            await self._room(limit, tokens)
        left = limit - self._spent - self._expected if limit else None
        self._expected += tokens
        self._running += 1
        return left

    def let_go(self, tokens: int) -> None:
        """Hold it back no more: the call has ended."""
        self._expected -= tokens
        self._running -= 1
        self._ended.set()

    def check(self) -> None:
        """Look whether anything is left.

        Raises:
            TokenBudgetExceededError: Nothing is.
        """
        used, (limit, name) = self._spent, self._limit()
        if limit and used >= limit:
            raise TokenBudgetExceededError(
                f"The task used {used} of {limit} tokens; raise {name} and retry to go on."
            )

    def _limit(self) -> tuple[int, str]:
        """Return the limit that counts, 0 for none, and where it stands."""
        everybodys = get_settings().max_tokens_per_task
        if self._own_limit is not None and (not everybodys or self._own_limit < everybodys):
            return self._own_limit, "the workflow's `budget_tokens`"
        return everybodys, "ROADMAP_MAX_TOKENS_PER_TASK"

    async def _room(self, limit: int, tokens: int) -> None:
        """Wait until there is room for a call, or no other one runs: what is left is used up."""
        while True:
            self.check()
            if not self._running or self._spent + self._expected + tokens <= limit:
                return
            self._ended.clear()
            with in_line():
                await self._ended.wait()
