"""Whatever lies in the queue, the worker lives, sets it aside and works on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from core.ids import new_id
from tests.e2e.faults.whole_set import pools
from tests.factories import until
from tests.junk import cases, envelope
from tests.junk_commands import ORDERS, commands

if TYPE_CHECKING:
    import asyncpg

    from tests.e2e.faults.rig import Rig


LATE_RINGS = 3_000
PUBLISHED = 200_000
"""Redis itself drops a subscriber that is sent 32 MB at once."""


FOREIGN = {"roadmap": False, "maintenance": False} | dict.fromkeys(
    ("roadmap:unacked", "roadmap:unacked_index"), True
)
"""Our keys in the broker, and whether it takes a message to notice what is there."""


async def _set_aside(look: asyncpg.Connection) -> int:
    return int(await look.fetchval("SELECT coalesce(sum(messages), 0) FROM rejected_counts"))


@pytest.mark.parametrize("pool", pools("threads"))
async def test_nothing_in_the_queue_stops_a_worker(
    rig: Rig, look: asyncpg.Connection, pool: str
) -> None:
    """Every broken message is acknowledged and set aside; the valid one behind them completes."""
    worker = rig.worker(pool=pool, concurrency=2)
    broken = list(cases())
    with rig.broker() as broker:
        for case in broken:
            broker.lpush("roadmap", case.raw)
        valid = new_id()
        rig.send(str(valid), "Learn Kites")
        await rig.until_status(look, [valid], "completed", within_s=60)
        least = sum(case.refused is True for case in broken)

        async def all_counted() -> bool:
            return await _set_aside(look) >= least

        await until(all_counted, what=f"{least} messages set aside")
        # of those that are taken most are for tasks that are not there, and follow later
        assert await _set_aside(look) <= len(broken)
        kept = await look.fetchval("SELECT count(*) FROM rejected_messages")
        assert 0 < kept <= 1000
        largest = await look.fetchval("SELECT max(octet_length(excerpt)) FROM rejected_messages")
        assert largest <= 4096
        assert broker.llen("roadmap") == 0
        for case in commands():
            if len(case.raw) > PUBLISHED:
                continue
            for channel in ("celery.pidbox", "celeryev/worker.heartbeat"):
                broker.publish(f"/0.{channel}", case.raw)
        control = rig.foreign.control
        (answer,) = await asyncio.to_thread(control.ping, timeout=20, limit=1)
        assert [*answer.values()] == [{"ok": "pong"}]
        for order, arguments in ORDERS.items():
            told = await asyncio.to_thread(
                control.broadcast, order, arguments=arguments, reply=True, timeout=5, limit=1
            )
            assert "Not allowed" in json.dumps(told), order
        later = new_id()
        rig.send(str(later), "Learn Sails")
        await rig.until_status(look, [later], "completed", within_s=60)
        assert not broker.hlen("roadmap:unacked"), "one was not acknowledged"
        broker.lpush("roadmap", *(json.dumps(envelope()) for _ in range(LATE_RINGS)))
        last = new_id()
        rig.send(str(last), "Learn Winds")
        await rig.until_status(look, [last], "completed", within_s=60)
        cleared = sum(line["messages"] for line in worker.logged("late_rings_cleared"))
        assert cleared > LATE_RINGS / 3, rig.logs()
    assert worker.returncode is None, rig.logs()
    assert not worker.logged("message_check_failed"), rig.logs()
    assert not worker.logged("message_handling_failed"), rig.logs()
    assert "Connection to broker lost" not in worker.log_text()
    told = worker.logged("messages_rejected")
    assert len(told) < 30, json.dumps(told)


async def test_other_things_under_our_keys_stop_no_worker(
    rig: Rig, look: asyncpg.Connection
) -> None:
    """What is no list, hash or set where one belongs is removed and told, and work goes on."""
    worker = rig.worker(concurrency=2)
    cleared = 0
    with rig.broker() as broker:
        for key, needed in FOREIGN.items():
            broker.delete(key)
            broker.set(key, "something else")

            async def gone(key: str = key) -> bool:
                return bool(broker.type(key) != b"string")

            if not needed:  # noticed without a message
                await until(gone, what=f"{key} cleared", within_s=30)
            task = new_id()
            rig.send(str(task), f"Learn {key}")
            await rig.until_status(look, [task], "completed", within_s=60)
            assert await gone()
            cleared += 1
    assert worker.returncode is None, rig.logs()
    assert len(worker.logged("foreign_key_cleared")) == cleared

    async def kept() -> bool:
        rows = await look.fetch("SELECT detail FROM rejected_messages")
        return sum("lay where" in row["detail"] for row in rows) == cleared

    await until(kept, what=f"a row for each of {cleared} cleared keys")
