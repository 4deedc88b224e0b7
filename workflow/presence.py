"""Says every few seconds that a worker is there, and how many workflows it may run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from core import timeouts
from core.logging import get_logger
from db.repositories.line_bounds import PRESENT_EVERY_S, SILENT_S
from db.session import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

log = get_logger(__name__)


_SEEN: Final = text(
    """
    INSERT INTO workers AS known (
        name, slots, spare, pool, incarnation, consumes, since, seen_at
    ) VALUES (
        :name, :slots, :spare, :pool, :incarnation, :consumes, clock_timestamp(), clock_timestamp()
    )
    ON CONFLICT (name) DO UPDATE SET
        slots = excluded.slots, spare = excluded.spare, pool = excluded.pool,
        incarnation = excluded.incarnation, consumes = excluded.consumes,
        seen_at = excluded.seen_at,
        since = CASE WHEN known.incarnation = excluded.incarnation
            THEN least(known.since, excluded.since) ELSE excluded.since END
    """
)
_PUT_BACK: Final = text(
    """
    UPDATE workers SET seen_at = clock_timestamp(), since = least(since, clock_timestamp())
    WHERE seen_at > clock_timestamp() + CAST(:silent AS interval)
    """
)
_GONE: Final = text("DELETE FROM workers WHERE name = :name AND incarnation = :incarnation")


async def put_back() -> None:
    """Let no worker have been heard of in the future, or one that ended counts until then.

    The database's clock was ahead, and was put back; who lives tells of himself soon.
    """
    async with transaction() as tx:
        await tx.session.execute(_PUT_BACK, {"silent": timedelta(seconds=SILENT_S)})


class Presence:
    """Keeps one worker's row in `workers` fresh; each of its processes may have one of these."""

    def __init__(
        self,
        *,
        name: str,
        slots: int,
        spare: int,
        incarnation: str,
        pool: str | None = None,
        consumes: Callable[[], bool] = lambda: True,
    ) -> None:
        """Tell of a worker that runs so many workflows.

        Args:
            name: Its node name.
            slots: Workflows at a time.
            spare: On top of these.
            incarnation: Names this life of the worker.
            pool: What its workflows run in, for people.
            consumes: Tells whether it takes messages at this moment.
        """
        self._consumes = consumes
        self._worker = {
            "name": name,
            "slots": slots,
            "spare": spare,
            "pool": pool,
            "incarnation": incarnation,
        }
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Tell of the worker now and from now on."""
        await self._tell()
        self._task = asyncio.create_task(self._run(), name="presence")

    async def end(self) -> None:
        """Take the worker's row away: it takes no more work."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        try:
            async with transaction() as tx:
                await tx.session.execute(
                    _GONE, {name: self._worker[name] for name in ("name", "incarnation")}
                )
        except Exception as error:  # noqa: BLE001 - without it the row just grows old
            log.info("presence_removal_failed", error=type(error).__name__)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PRESENT_EVERY_S)
            await self._tell()

    async def _tell(self) -> None:
        try:
            async with timeouts.timeout(PRESENT_EVERY_S), transaction() as tx:
                await tx.session.execute(_SEEN, {**self._worker, "consumes": self._consumes()})
        except Exception as error:  # noqa: BLE001 - whatever it is, the next one comes soon
            log.warning("presence_update_failed", error=type(error).__name__)
