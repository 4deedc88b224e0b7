"""Keeps leases alive while their tasks are worked on, and says when one was taken from us."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge

from core import timeouts
from core.errors import AppError, ServiceUnavailableError
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.settings import get_settings
from db.life import life
from db.repositories.leases import renew
from db.session import AsyncSessionLocal, is_transient
from workflow.claim import Stop, release

if TYPE_CHECKING:
    from uuid import UUID

    from workflow.claim import Claim

log = get_logger(__name__)

HELD: Final = Gauge(
    "roadmap_leases_held", "Tasks that this process works on.", multiprocess_mode="livesum"
)
LOST: Final = Counter("roadmap_leases_lost_total", "Tasks that were taken from this process.")
LONGEST_BEAT_S: Final = 1.0
"""The heartbeat also brings cancellations, which are to stop running work within 2 s."""


class Keeper:
    """Keeps the leases of one event loop's claims alive, with one statement for all of them."""

    def __init__(self) -> None:
        self._claims: dict[UUID, Claim] = {}
        self._left: list[Claim] = []
        self._ended: set[UUID] = set()
        """Tasks that had ended at the last heartbeat while their claims were still there."""
        self._beat: asyncio.Task[None] | None = None

    def keep(self, claim: Claim) -> None:
        """Renew this claim's lease from now on."""
        self._claims[claim.task_id] = claim
        HELD.set(len(self._claims))
        self._begin()

    def drop(self, claim: Claim) -> None:
        """Renew it no longer."""
        if self._keeps(claim):
            del self._claims[claim.task_id]
        HELD.set(len(self._claims))

    def give_back(self, claim: Claim) -> None:
        """Release a task that nobody works on any more as soon as the database answers.

        Otherwise its lease would expire, and this worker, which lives, would count as lost.
        """
        self._left.append(claim)
        self._begin()

    def _begin(self) -> None:
        if self._beat is None or self._beat.done():
            self._beat = asyncio.create_task(self._run(), name="lease-keeper")

    async def end(self) -> None:
        """Renew nothing any more; a statement that is under way is broken off."""
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.wait({self._beat})

    def claims(self) -> list[Claim]:
        """Return what this process works on."""
        return list(self._claims.values())

    def stop(self, claim: Claim, why: Stop) -> None:
        """Have a claim's running work cancelled by whoever supervises it."""
        claim.stop = claim.stop or why
        claim.stopped.set()

    async def _run(self) -> None:
        lease_s = get_settings().lease_s
        every = min(LONGEST_BEAT_S, lease_s / 5)
        beaten = time.monotonic()
        while self._claims or self._left:
            await asyncio.sleep(every)
            claims, why = self.claims(), Stop.LOST
            try:
                async with timeouts.timeout(lease_s / 2):
                    lost = self._lost(await self._ask(claims, lease_s))
                beaten = time.monotonic()
            except Exception as error:
                if not is_transient(error):
                    log.exception("heartbeat_failed")
                # by our own clock the leases have expired: further writes would be refused
                why, away = Stop.AWAY, time.monotonic() - beaten > lease_s
                lost = {claim.task_id for claim in claims} if away else set()
            for claim in claims:
                if claim.stop is None and claim.task_id in lost and self._keeps(claim):
                    LOST.inc()
                    log.warning("lease_lost", task_id=str(claim.task_id), epoch=claim.epoch)
                    self.stop(claim, why)
            await self._release_left()

    def _lost(self, unheld: dict[UUID, bool]) -> set[UUID]:
        """Return which tasks are not ours any more.

        A task that has just ended is let go of in a moment. Where it is still held at the next
        heartbeat, it was somebody else who ended it.
        """
        before, self._ended = self._ended, {task_id for task_id, ended in unheld.items() if ended}
        return unheld.keys() - (self._ended - before)

    def _keeps(self, claim: Claim) -> bool:
        return self._claims.get(claim.task_id) is claim

    async def _release_left(self) -> None:
        for claim in [*self._left]:
            try:
                await release(claim)
            except ServiceUnavailableError:
                return
            except AppError as error:  # somebody was quicker
                log.info("lease_left", task_id=str(claim.task_id), reason=error.message)
            self._left.remove(claim)

    async def _ask(self, claims: list[Claim], lease_s: float) -> dict[UUID, bool]:
        if not claims:
            return {}
        async with AsyncSessionLocal() as session:
            held = [(claim.task_id, claim.epoch) for claim in claims]
            unheld = await renew(session, held, lease_s=lease_s, life=life().held)
            await session.commit()
            return unheld


_keepers: LoopLocal[Keeper] = LoopLocal(Keeper)


def keeper() -> Keeper:
    """Return the running loop's keeper."""
    return _keepers.get()


async def stop_keeping() -> None:
    """End the running loop's heartbeat, before its connections are closed."""
    ended = _keepers.pop()
    if ended is not None:
        await ended.end()
