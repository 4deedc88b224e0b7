"""The time left: from evidence, as a range, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from roadmaps.steps.names import STAGES, RoadmapStep
from tests.factories import ALICE, new_task
from watching import queries, time_left
from watching.time_left import ENOUGH, History, Range, learned, spread
from workflow.lease import acquire
from workflow.runs import run_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg
    import pytest

    from tests.ledger import LedgerAuthor

START = datetime(2026, 11, 22, tzinfo=UTC)


def task(number: int, *events: tuple[str, str | None, float], end: float) -> list[Any]:
    """Return the rows of one past task of ten contents; times are in seconds."""
    return [
        SimpleNamespace(
            task_id=number,
            total=10,
            finished_at=START + timedelta(seconds=end),
            type=type_,
            step=step,
            created_at=START + timedelta(seconds=at),
        )
        for type_, step, at in events
    ]


def test_reviews_do_not_count() -> None:
    """What a human took to decide is no work, before whichever step it was; rounds begin once."""
    history = learned(
        task(
            1,
            ("step_started", "intent_analysis", 0),
            ("step_started", "curriculum_design", 10),
            ("step_started", "structure_validation", 30),
            ("review_required", None, 40),
            ("review_decided", None, 3640),
            ("step_started", "edit_plan_analysis", 3640),
            ("step_started", "structure_validation", 3660),
            ("review_required", None, 3670),
            ("review_decided", None, 3770),
            ("step_started", "content_generation", 3770),
            end=3870,
        ),
        STAGES,
    )
    assert history.per_part[RoadmapStep.CONTENT_GENERATION] == [10.0]
    assert history.to_end[RoadmapStep.INTENT_ANALYSIS] == [170.0]
    assert history.to_end[RoadmapStep.STRUCTURE_VALIDATION] == [140.0]
    assert history.to_end[RoadmapStep.EDIT_PLAN_ANALYSIS] == [130.0]


def test_a_few_are_no_evidence() -> None:
    """Below five durations there is no range; from there on it is the percentiles."""
    assert spread([1.0] * (ENOUGH - 1)) is None
    found = spread([float(n) for n in range(11)])
    assert found == Range(5.0, 9.0)


def left(
    history: History, step: str = RoadmapStep.CONTENT_GENERATION, **facts: Any
) -> Range | None:
    """Return what is left, forty contents if nothing else is said."""
    return history.left(step, **{"elapsed_s": 20.0, "parts_left": 40, "ended": 0, **facts})


def test_this_run_sets_the_pace() -> None:
    """At first others' time per content counts, then this run's own, with the others' spread."""
    history = History(STAGES)
    history.per_part[RoadmapStep.CONTENT_GENERATION] = [1.0, 1.0, 1.0, 2.0, 2.0]
    assert left(history) == Range(40.0, 80.0)
    assert left(history, ended=10) == Range(80.0, 160.0)
    assert left(history, parts_left=0) == Range(0.0, 0.0)
    assert left(History(STAGES)) is None


def test_what_has_passed_is_taken_off() -> None:
    """In a step before the contents the time it has run is no longer left, and never below none."""
    history = History(STAGES)
    history.to_end[RoadmapStep.CURRICULUM_DESIGN] = [15.0, 30.0, 30.0, 60.0, 60.0]
    assert left(history, RoadmapStep.CURRICULUM_DESIGN) == Range(10.0, 40.0)
    assert left(history, RoadmapStep.CURRICULUM_DESIGN, elapsed_s=45.0) == Range(0.0, 15.0)


async def test_the_task_tells_it(
    database: asyncpg.Connection, author: LedgerAuthor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task shows a range once five were completed, while a worker works on it and only then."""
    monkeypatch.setattr(time_left, "KEPT_S", 0)
    running = await new_task()
    assert (await queries.get_task(running, actor=ALICE)).time_left_s is None
    for _ in range(ENOUGH):
        done = await new_task()
        await run_task(done, worker="w")
    waiting = await queries.get_task(running, actor=ALICE)
    assert (waiting.time_left_s, waiting.took_s) == (None, None)
    assert waiting.line is not None
    assert await acquire(running, worker="w") is not None
    begun = (await queries.get_task(running, actor=ALICE)).time_left_s
    assert begun is not None
    assert 0 <= begun.p50 <= begun.p90 < 60
    await database.execute(
        "UPDATE roadmap_tasks SET lease_until = clock_timestamp() - interval '1 s'"
        " WHERE task_id = $1",
        running,
    )
    lost = await queries.get_task(running, actor=ALICE)
    assert lost.time_left_s is None
    assert lost.line is not None
    ended = await queries.get_task(done, actor=ALICE)
    assert (ended.time_left_s, ended.line) == (None, None)
    assert ended.finished_at is not None
    assert ended.took_s == round((ended.finished_at - ended.created_at).total_seconds(), 3)
    await an_hour_passes_beside(database, done)
    assert (await queries.get_task(done, actor=ALICE)).took_s == ended.took_s


async def an_hour_passes_beside(database: asyncpg.Connection, task_id: UUID) -> None:
    """Let the log tell of a review of an hour, one cancelled in an hour, and two hours of rest."""
    ended_at = await database.fetchval(
        "UPDATE roadmap_tasks SET attempt = 2, asks_review = true,"
        " finished_at = finished_at + interval '4 hours' WHERE task_id = $1"
        " RETURNING finished_at - interval '4 hours'",
        task_id,
    )
    seq = await database.fetchval("SELECT last_seq FROM roadmap_tasks WHERE task_id = $1", task_id)
    log = (
        ("review_required", 0),
        ("review_reminder", 0.5),
        ("review_decided", 1),
        ("review_required", 1),
        ("task_cancelled", 2),
        ("task_retried", 4),
    )
    for number, (kind, hours) in enumerate(log, start=seq + 1):
        await database.execute(
            "INSERT INTO task_events (task_id, seq, type, payload, created_at)"
            " VALUES ($1, $2, $3, '{}', $4)",
            task_id,
            number,
            kind,
            ended_at + timedelta(hours=hours),
        )
