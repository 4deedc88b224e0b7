"""Stores what a release leaves behind: tasks in every state, and what its API tells of them.

A file of its own kind, which no run of the tests collects. The next release's tests restore what
it wrote. It is run in the tree of the release whose data is wanted:

    python -m pytest tests/e2e/faults/store_release.py
"""

from __future__ import annotations

import io
import json
import socket
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from db.migration_names import head
from tests.e2e.faults.releases import WISH, api_of, concepts_of, get, told_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx

    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess

CONTENTS: Final = ("tutorial", "resources", "quiz")
STEPS: Final = ("intent_analysis", "curriculum_design", "structure_validation")
AFTER_REJECTION: Final = ("edit_plan_analysis", "roadmap_edit")


@pytest.fixture
async def api(rig: Rig, look: asyncpg.Connection) -> AsyncIterator[httpx.AsyncClient]:
    """The release's API, as an administrator sees it."""
    async with api_of(rig) as client:
        yield client


async def test_store(rig: Rig, look: asyncpg.Connection, api: httpx.AsyncClient) -> None:
    """Tasks in every state are made, and stored with what the API tells of them."""
    makes = _Makes(rig, look, api)
    tasks = await makes.all()
    told = {name: await told_of(api, task) for name, task in tasks.items()}
    told["notifications"] = await get(api, "/notifications?limit=100")
    answered = {name: rig.model.calls(f"Learn {name}", "ok") for name in tasks}
    file = Path(__file__).with_name(f"release_{head()}.zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as stored:
        for table in await _tables(look):
            rows = io.BytesIO()
            await look.copy_from_table(table, output=rows, format="csv", header=True)
            stored.writestr(f"{table}.csv", _anywhere(rows.getvalue().decode()))
        for name, value in (("tasks", tasks), ("told", told), ("answered", answered)):
            text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
            stored.writestr(f"{name}.json", _anywhere(text))


def _anywhere(text: str) -> str:
    """Let a text not tell on which machine it was made."""
    return text.replace(f"@{socket.gethostname()}", "@host")


async def _tables(look: asyncpg.Connection) -> list[str]:
    rows = await look.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind = 'r' AND relname NOT IN ('alembic_version', 'workers') ORDER BY relname"
    )
    return [row["relname"] for row in rows]


class _Makes:
    """Makes the tasks; each is named by what happened to it, and about that name."""

    def __init__(self, rig: Rig, look: asyncpg.Connection, api: httpx.AsyncClient) -> None:
        self._rig = rig
        self._look = look
        self._api = api
        self._tasks: dict[str, str] = {}

    async def all(self) -> dict[str, str]:
        """Make one task for each state; return their ids by their names."""
        await self._recovered()
        worker = self._rig.worker(concurrency=64)
        await self._until("Recovered", "completed", sweeping=True)
        await self._done()
        await self._failed()
        await self._waiting()
        await self._held()
        await self._cancelled()
        await self._between(worker)
        return self._tasks

    async def _recovered(self) -> None:
        worker = self._rig.worker(doomed=True)
        held = self._rig.model.hold("Learn Recovered", "tutorial", times=1)
        await self._new("Recovered")
        await self._rig.until_held("Learn Recovered", 1)
        await self._rig.until_contents(self._look, self._tasks["Recovered"], 5)  # type: ignore[arg-type]
        worker.kill()
        assert held[0].times == 0

    async def _done(self) -> None:
        for name in ("Done", "Regenerated", "Regenerating"):
            await self._new(name)
        await self._new("Done edited", review=True)
        await self._until("Done edited", "human_review_pending")
        await self._decide("Done edited", decision="edit", edits=await self._removal("Done edited"))
        for name in ("Done", "Done edited", "Regenerated", "Regenerating"):
            await self._until(name, "completed")
        await self._regenerate("Regenerated", "quiz")
        await self._until("Regenerated", "completed")
        await self._mark_done("Done")
        notifications = await get(self._api, "/notifications")
        first = notifications["notifications"][0]["notification_id"]
        await self._ask(f"/notifications/{first}/read")

    async def _failed(self) -> None:
        for step in (*STEPS, *AFTER_REJECTION):
            self._refuse(f"Failed {step}", step)
        for step in STEPS:
            await self._new(f"Failed {step}")
        for step in AFTER_REJECTION:
            await self._rejected(f"Failed {step}")
        for kind in CONTENTS:
            self._refuse("Failed contents", kind)
        await self._new("Failed contents")
        for name in ("Partly", "Partly retried", "Partly again", "Resuming retry"):
            self._refuse(name, "quiz", title="2$")
            await self._new(name)
        for name in ("Partly", "Partly retried", "Partly again", "Resuming retry"):
            await self._until(name, "partial_failure")
        for name in (*STEPS, *AFTER_REJECTION, "contents"):
            await self._until(f"Failed {name}", "failed")
        self._refuse("Partly again", "quiz", title="2$")
        for name, status in (("Partly retried", "completed"), ("Partly again", "partial_failure")):
            await self._ask(f"/tasks/{self._tasks[name]}/retry")
            await self._until(name, status)

    async def _waiting(self) -> None:
        for name in ("Review", "Resuming", "Rejected", "Cancelled review", "Cancelled resuming"):
            await self._new(name, review=True)
            await self._until(name, "human_review_pending")
        await self._rejected("Second review")
        await self._until("Second review", "human_review_pending")
        await self._new("Own edits", review=True)
        await self._until("Own edits", "human_review_pending")
        edits = await self._removal("Own edits")
        await self._decide("Own edits", decision="edit", edits=edits, then="review")
        await self._until("Own edits", "human_review_pending")

    async def _held(self) -> None:
        """Bring a task to each step, and have the model hold what it asks there."""
        for step in STEPS:
            for name in (f"Held {step}", f"Cancelled {step}"):
                await self._hold(name, step)
        for step in AFTER_REJECTION:
            name = f"Held {step}"
            self._rig.model.hold(f"Learn {name}", step)
            await self._rejected(name)
            await self._rig.until_held(f"Learn {name}", 1)
        await self._new("Held revalidation", review=True)
        await self._until("Held revalidation", "human_review_pending")
        self._rig.model.hold("Learn Held revalidation", "structure_validation")
        await self._decide("Held revalidation", decision="reject", feedback=WISH)
        await self._rig.until_held("Learn Held revalidation", 1)
        await self._hold("Held first", *CONTENTS, times=2)
        for name in ("Held half", "Cancelled half"):
            await self._hold(name, *CONTENTS, title="2$")
            await self._rig.until_contents(self._look, self._tasks[name], 3)  # type: ignore[arg-type]
        self._rig.model.hold("Learn Regenerating", "quiz")
        await self._regenerate("Regenerating", "quiz")
        await self._rig.until_held("Learn Regenerating", 1)

    async def _cancelled(self) -> None:
        for name in (
            *(f"Cancelled {step}" for step in STEPS),
            "Cancelled half",
            "Cancelled review",
        ):
            await self._ask(f"/tasks/{self._tasks[name]}/cancel")
            await self._until(name, "cancelled")

    async def _between(self, worker: WorkerProcess) -> None:
        """Kill the worker, and ask for what nobody does then."""
        worker.kill()
        await self._rig.until_true(lambda: not self._rig.model.held(), what="the end of calls")
        for name in ("Resuming", "Cancelled resuming"):
            await self._decide(name, decision="approve")
        await self._decide("Rejected", decision="reject", feedback=WISH)
        await self._ask(f"/tasks/{self._tasks['Resuming retry']}/retry")
        for name in ("Queued", "Cancelled queued"):
            await self._new(name)
        for name in ("Cancelled resuming", "Cancelled queued"):
            await self._ask(f"/tasks/{self._tasks[name]}/cancel")

    # --- what is done with one task ---------------------------------------------------------

    async def _new(self, name: str, *, review: bool = False) -> None:
        body = {"goal": f"Learn {name}", "review": review}
        self._tasks[name] = (await self._ask("/tasks", body))["task_id"]

    async def _rejected(self, name: str) -> None:
        await self._new(name, review=True)
        await self._until(name, "human_review_pending")
        await self._decide(name, decision="reject", feedback=WISH)

    async def _hold(self, name: str, *kinds: str, title: str | None = None, times: int = 1) -> None:
        self._rig.model.hold(f"Learn {name}", *kinds, title=title, times=times)
        await self._new(name)
        await self._rig.until_held(f"Learn {name}", len(kinds) * times)

    def _refuse(self, name: str, kind: str, *, title: str | None = None) -> None:
        self._rig.model.rule(
            "refusal", goal=f"Learn {name}$", kind=kind, title=title, times=1 if title else 2
        )

    async def _decide(self, name: str, **decision: Any) -> None:
        await self._ask(f"/tasks/{self._tasks[name]}/review", decision)

    async def _removal(self, name: str) -> list[dict[str, Any]]:
        review = await get(self._api, f"/tasks/{self._tasks[name]}/review")
        return [{"op": "remove", "concept_id": concepts_of(review["roadmap"])[-1]["concept_id"]}]

    async def _first_concept(self, name: str) -> str:
        task = await get(self._api, f"/tasks/{self._tasks[name]}")
        roadmap = f"/roadmaps/{task['roadmap_id']}"
        concept = concepts_of(await get(self._api, roadmap))[0]["concept_id"]
        return f"{roadmap}/concepts/{concept}"

    async def _regenerate(self, name: str, kind: str) -> None:
        await self._ask(f"{await self._first_concept(name)}/regenerate", {"kinds": [kind]})

    async def _mark_done(self, name: str) -> None:
        answer = await self._api.put(f"{await self._first_concept(name)}/done", json={})
        assert answer.is_success, answer.text

    async def _ask(self, path: str, body: Any = None) -> Any:
        answer = await self._api.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.text}"
        return answer.json() if answer.content else None

    async def _until(self, name: str, status: str, *, sweeping: bool = False) -> None:
        task: Any = self._tasks[name]
        await self._rig.until_status(self._look, [task], status, sweeping=sweeping)
