"""What others see of an own workflow: inbox, audit, metrics, messages as Flower shows them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY
from pydantic import BaseModel

from cli.workflow_checks import check_workflows
from core.errors import UnknownWorkflowError
from core.settings import load_settings
from core.states import Decision
from roadmap_worker import Context, Workflow
from tasks import dispatch
from tests import book, own
from tests.factories import ALICE
from tests.integration.workflow.own import Answered, asked, decide
from tests.integration.workflow.test_reviewed_parts import choir
from watching.queries import queue_state
from workflow import doorbell
from workflow.audit import examine_all
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import decide_review
from workflow.showing import part_of, results_of

if TYPE_CHECKING:
    import asyncpg


class Nothing(BaseModel):
    """What asks for nothing."""


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_inbox_audit_and_metrics(database: asyncpg.Connection) -> None:
    """The owner is told by title, the audit finds nothing wrong, metrics name the workflow."""
    content = {"kind": "chapter", "outcome": "completed", "workflow": "book"}
    step = {"step": "index", "workflow": "book"}
    before = (
        _count("roadmap_content_seconds_count", **content),
        _count("roadmap_step_seconds_count", **step),
    )
    task = await asked(book.book, topic="Wind", fails=["chapter-1"])
    await run_task(task, worker="w")
    await decide(task, "approve")
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    parts = await asked(choir([]), names=["a", "b"])
    await run_task(parts, worker="w")
    await decide(parts, "reject", feedback="louder")
    await run_task(parts, worker="w")
    assert (await examine_all()).kept == []
    await decide(parts, "edit", edits={"a": {"text": "mine"}})
    await run_task(parts, worker="w")
    assert (await examine_all()).kept == []
    told = [
        (row["kind"], row["message"])
        for row in await database.fetch(
            "SELECT kind, message FROM notifications WHERE task_id = $1 ORDER BY created_at", task
        )
    ]
    assert [kind for kind, _ in told] == ["review_required", "task_partially_failed"]
    assert told[0][1] == "'A book about Wind' waits for your review"
    assert "part" in told[1][1], "not contents, which are a roadmap's"
    after = (
        _count("roadmap_content_seconds_count", **content),
        _count("roadmap_step_seconds_count", **step),
    )
    assert after == (before[0] + 1, before[1] + 1)


async def test_messages_name_the_workflow(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flower shows `workflow.run`, the workflow's name and the task's id as the first message's."""
    rings: list[doorbell.Ring] = []
    sent: list[tuple[str, dict[str, Any]]] = []

    class App:
        """Takes what is sent."""

        def send_task(self, name: str, **more: Any) -> None:
            """Keep it."""
            sent.append((name, more))

    monkeypatch.setattr(doorbell, "_bell", rings.append)
    monkeypatch.setattr(dispatch, "celery", App)
    doorbell.install(rings.append)
    task = await asked(book.book, topic="Wind")
    dispatch.send(rings[-1])
    name, message = sent[0]
    assert (name, message["task_id"]) == ("workflow.run", str(task))
    assert message["kwargs"] == {"workflow": "book", "task_id": str(task)}
    await run_task(task, worker="w")
    await decide(task, "approve")
    dispatch.send(rings[-1])
    name, message = sent[1]
    assert name == "roadmap.resume"
    assert message["kwargs"]["workflow"] == "book"


async def test_tasks_that_nobody_knows(
    database: asyncpg.Connection, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doctor says of which workflow they are, how many, and what to do; the queue counts them."""
    await asked(book.book, topic="Wind")
    await asked(book.book, topic="Rain")
    own.unknown(monkeypatch, "book")
    (unknown,) = [each for each in (await queue_state()).unfinished if each.workflow == "book"]
    assert (unknown.version, unknown.tasks) == (1, 2)
    findings = await asyncio.to_thread(check_workflows, load_settings(), database_url=postgres_url)
    (told,) = [each for each in findings if each.name == "tasks of unknown workflows"]
    assert not told.required
    assert "2 of 'book' version 1" in told.message
    assert "ROADMAP_WORKFLOWS" in told.message
    assert "roadmap cancel" in told.message


async def test_a_review_of_a_workflow_that_nobody_knows(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever decides it is told that, and not of a version, which could not be read either."""
    task = await asked(book.book, topic="Wind")
    await run_task(task, worker="w")
    own.unknown(monkeypatch, "book")
    with pytest.raises(UnknownWorkflowError, match="no workflow 'book'"):
        await decide_review(task, Answered(Decision.APPROVE), actor=ALICE, versions=[0])


@pytest.mark.parametrize("value", [None, [], [None, 1], {}, "", 0])
async def test_a_value_of_nothing_is_recorded(database: asyncpg.Connection, value: Any) -> None:
    """An edit may leave nothing; its record says so, and the audit finds no contradiction."""
    flow = Workflow("leaving", request=Nothing)

    @flow.step
    def found(ctx: Context) -> Any:
        return ["much"]

    flow.review(of=found)
    task = await asked(flow)
    await run_task(task, worker="w")
    await decide(task, "edit", edits=value)
    recorded = await database.fetchval("SELECT edits FROM reviews WHERE task_id = $1", task)
    assert json.loads(recorded) == (value if isinstance(value, list) else [value])
    assert (await examine_all()).kept == []


async def test_what_is_shown_of_a_workflow_that_was_taken_away(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its steps and parts gave has the shape that it had before."""
    flow = Workflow("packed", request=Nothing)

    @flow.step
    async def names(ctx: Context) -> list[str]:
        return ["tea"]

    @flow.parts(of=names)
    async def cup(ctx: Context, part: str) -> dict[str, str]:
        return {"value": part}

    task = await asked(flow)
    await run_task(task, worker="w")

    async def shown() -> list[Any]:
        results = (await results_of(task, actor=ALICE, parts=False)).results
        return [results, (await part_of(task, "cup", "tea", actor=ALICE)).body]

    before = await shown()
    assert before == [{"names": ["tea"]}, {"value": "tea"}]
    own.unknown(monkeypatch, "packed")
    results, body = await shown()
    assert (results["names"], body) == (["tea"], {"value": "tea"})
