"""The deny-list in memory: read again every two seconds, so that no request waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from core.errors import ServiceUnavailableError
from core.logging import get_logger
from db.repositories.revocations import Denied, load_denied
from watching import feed

if TYPE_CHECKING:
    from core.tokens import Claims

log = get_logger(__name__)

REFRESH_S: Final = 2.0


class DenyList:
    """What this process knows of tokens that were taken back."""

    def __init__(self) -> None:
        self._denied: Denied | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def start(self) -> None:
        """Keep it fresh from now on."""
        self._task = asyncio.create_task(self._keep_fresh(), name="deny-list")

    async def aclose(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        """Read it; streams look at their credentials when it has changed."""
        found = await load_denied()
        changed = self._denied is not None and found != self._denied
        self._denied = found
        if changed:
            feed.wake()

    async def ready(self) -> None:
        """Wait for the first reading: before it nobody can say that a token is good.

        Raises:
            ServiceUnavailableError: The database does not answer.
        """
        if self._denied is None:
            try:
                await self.refresh()
            except Exception as error:
                raise ServiceUnavailableError(
                    "The database cannot be reached; try again shortly."
                ) from error

    def denies(self, claims: Claims) -> bool:
        """Tell whether a token is refused."""
        return self._denied is not None and self._denied.denies(
            user=claims.user, issued_at=claims.issued_at, token_id=claims.token_id
        )

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self.refresh()
                self._failing = False
            except Exception as error:  # noqa: BLE001 - what is known stays good meanwhile
                if not self._failing:
                    log.warning("deny_list_read_failed", error=type(error).__name__)
                self._failing = True
            await asyncio.sleep(REFRESH_S)
