"""A workflow that is no roadmap keeps every promise: lease, review, parts, retry, streams."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx

from core.ids import new_id
from tests.factories import until
from tests.integration.api.processes import running_api

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg
    import pytest

    from tests.e2e.faults.rig import Rig

PARTS = {f"{kind} of Chapter {n}" for kind in ("text", "picture") for n in (1, 2, 3)}


async def test_from_the_request_to_the_retry(
    rig: Rig, look: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle, rejected, approved, failed in part and retried: each part once."""
    ledger, fails = tmp_path / "ledger", tmp_path / "fails"
    ledger.touch()
    fails.write_text("picture of Chapter 2")
    toy = "tests.toy:TOY"
    monkeypatch.setenv("ROADMAP_WORKFLOWS", toy)
    doomed = rig.worker(WORKFLOWS=toy, CONTENT_CONCURRENCY="1")
    task = new_id()
    async with running_api() as api, httpx.AsyncClient(base_url=api.address) as client:
        for _ in range(3):
            _send(rig, str(task), tmp_path)
        await rig.until_status(look, [task], "human_review_pending", within_s=30)
        address = f"/api/v1/tasks/{task}"
        seen = (await client.get(address)).json()
        assert (seen["workflow"], seen["title"], seen["goal"]) == ("toy", *["About Wind"] * 2)
        await _decide(client, address, {"decision": "reject", "feedback": "One more, please."})
        await rig.until_status(look, [task], "human_review_pending", within_s=30)
        await _decide(client, address, {"decision": "approve"})

        async def some_made() -> bool:
            return bool(ledger.read_text())

        await until(some_made, within_s=30, what="a part")
        doomed.kill()
        rig.worker(WORKFLOWS=toy, CONTENT_CONCURRENCY="1")
        await rig.until_status(look, [task], "partial_failure", within_s=60)
        seen = (await client.get(address)).json()
        assert (seen["current_step"], seen["progress"]["done"], seen["progress"]["total"]) == (
            "write",
            5,
            6,
        )
        (failed,) = seen["failed_contents"]
        assert (failed["step"], failed["key"], failed["kind"], failed["code"]) == (
            *("write", "chapter 2", "picture"),
            "told_to_fail",
        )
        fails.unlink()
        assert (await client.post(f"{address}/retry")).status_code == 202
        await rig.until_status(look, [task], "completed", within_s=60)
        events = (await client.get(f"{address}/events")).json()["events"]
        streamed = [e async for e in _stream(client, f"{address}/stream")]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert streamed == [event["seq"] for event in events]
    types = Counter(event["type"] for event in events)
    assert types["task_started"] == types["task_partially_failed"] == types["task_completed"] == 1
    assert types["task_recovered"] == types["task_retried"] == 1
    assert types["review_required"] == types["review_decided"] == 2
    made = Counter(ledger.read_text().splitlines())
    assert set(made) == PARTS
    again = {name for name, times in made.items() if times > 1}
    # the one that failed was tried twice; of one chapter both may have been under way at the kill
    assert "picture of Chapter 2" in again
    assert len(again - {"picture of Chapter 2"}) <= 2
    steps = await look.fetch(
        "SELECT step FROM checkpoints WHERE task_id = $1 ORDER BY position", task
    )
    assert [row["step"] for row in steps][-2:] == ["write", "sum_up"]
    assert doomed.returncode is not None


def _send(rig: Rig, task_id: str, folder: Path) -> None:
    kwargs = {
        "workflow": "toy",
        "task_id": task_id,
        "user_id": "local",
        "request": {"topic": "Wind", "folder": str(folder), "takes_s": 0.3},
    }
    rig.foreign.send_task("workflow.run", queue="roadmap", task_id=task_id, kwargs=kwargs)


async def _decide(client: httpx.AsyncClient, address: str, decision: dict[str, Any]) -> None:
    answer = await client.post(f"{address}/review", json=decision)
    assert answer.status_code == 202, answer.text


async def _stream(client: httpx.AsyncClient, address: str) -> Any:
    async with asyncio.timeout(20), client.stream("GET", f"{address}?after=0") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id:"):
                yield int(line.removeprefix("id:"))
