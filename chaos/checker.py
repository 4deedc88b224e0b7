"""Holds four ledgers against each other: who was promised what, the model's, viewers', the rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from core.states import TERMINAL, Status
from roadmaps.steps.names import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    import asyncpg

    from chaos.people import Ledger
    from tests.e2e.faults.judging import Seen
    from tests.e2e.faults.rig import Rig
    from tests.model_rules import Entry

_ENDS: Final = ("task_completed", "task_partially_failed", "task_failed", "task_cancelled")
_NO_FAILURE: Final = frozenset({"ok", "client_gone", "in_progress"})
_ILL: Final = frozenset({Status.PARTIAL_FAILURE, Status.FAILED})


@dataclass(kw_only=True, slots=True)
class Verdict:
    """What is wrong, one line each, and counts for the report."""

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


async def judge(
    rig: Rig,
    look: asyncpg.Connection,
    ledger: Ledger,
    watched: Iterable[tuple[UUID, str, list[int]]],
) -> Verdict:
    """Look at every accepted task, and at what every viewer saw."""
    verdict = Verdict()
    calls: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in rig.model.entries():
        calls[entry.goal].append(entry)
    for task_id, goal in ledger.accepted.items():
        row = await look.fetchrow("SELECT 1 FROM roadmap_tasks WHERE task_id = $1", task_id)
        if row is None:
            verdict.wrong.append(f"{task_id}: lost, it has no row")
            continue
        try:
            seen = await rig.see(look, task_id)
        except AssertionError as error:
            verdict.wrong.append(f"{task_id}: {error}")
            continue
        told = [*_wrong_with(seen, ledger, calls[goal]), *_wrong_calls(seen, calls[goal])]
        verdict.wrong += [f"{goal}: {line}" for line in told]
        verdict.counts[f"tasks {seen.row['status']}"] += 1
        verdict.counts["tasks taken over"] += "task_recovered" in seen.events
        verdict.counts["calls"] += len(calls[goal])
        verdict.counts["repeated calls"] += _repeated(seen, calls[goal])
        again = await _made_again(look, task_id, calls[goal])
        verdict.counts["repeated finished parts"] += len(again)
        verdict.wrong += [f"{goal}: {line}" for line in again]
    strangers = await look.fetchval("SELECT count(*) FROM roadmap_tasks") - len(ledger.accepted)
    if strangers:
        verdict.wrong.append(f"{strangers} tasks that nobody was promised")
    await _judge_viewers(look, watched, verdict)
    return verdict


def _wrong_with(seen: Seen, ledger: Ledger, calls: list[Entry]) -> Iterable[str]:
    status, step = Status(seen.row["status"]), seen.row["current_step"]
    if status not in TERMINAL or not STAGES.is_legal(status, step):
        yield f"ended as {status}/{step}"
        return
    cancelled = seen.row["task_id"] in ledger.cancelled
    if cancelled and status is not Status.CANCELLED:
        yield f"cancelled, and ended as {status}"
    if status in _ILL and not any(entry.outcome not in _NO_FAILURE for entry in calls):
        yield f"ended as {status} though the model never failed it: {seen.row['error']}"
    ends = [name for name in seen.events if name in _ENDS]
    if len(ends) != 1 or seen.events[-1] != ends[0]:
        yield f"ended {len(ends)} times, its last event is {seen.events[-1]}"
    if seen.events.count("task_started") > 1:
        yield "started twice"
    told = seen.events.count("step_completed") + seen.events.count("review_decided")
    if told != len(seen.checkpoints):
        yield f"{told} steps were told, {len(seen.checkpoints)} are stored"
    done = [content for content in seen.contents if content[3] == "completed"]
    if len({content[:2] for content in seen.contents}) != len(seen.contents):
        yield "a content exists twice"
    if seen.events.count("content_completed") != len(done):
        yield f"{seen.events.count('content_completed')} contents told, {len(done)} stored"
    if status is Status.COMPLETED and (not done or len(done) != len(seen.contents)):
        yield f"completed with {len(done)} of {len(seen.contents)} contents"


def _committed(seen: Seen) -> Counter[str]:
    steps = [step for step in seen.checkpoints if step != "human_review"]
    contents = [f"{c[1]} of {c[0]}" for c in seen.contents if c[3] == "completed"]
    return Counter(steps + contents)


def _answered(calls: list[Entry]) -> Counter[str]:
    return Counter(
        f"{entry.kind} of {entry.title}" if entry.title else entry.kind
        for entry in calls
        if entry.outcome == "ok"
    )


def _repeated(seen: Seen, calls: list[Entry]) -> int:
    """Count the answers that came to nothing, so that they were asked for once more."""
    return (_answered(calls) - _committed(seen)).total()


def _wrong_calls(seen: Seen, calls: list[Entry]) -> Iterable[str]:
    committed, answered = _committed(seen), _answered(calls)
    missing = committed - answered
    if missing:
        yield f"committed and never answered: {dict(missing)}"
    # an answer comes to nothing only with the run that asked for it
    runs = max(Counter(name for name in seen.events if name == "step_started").total(), 1)
    for call, times in (answered - committed).items():
        if times > runs:
            yield f"{call} was answered {times} times in vain, in {runs} steps begun"


async def _made_again(look: asyncpg.Connection, task_id: UUID, calls: list[Entry]) -> list[str]:
    """Return the finished steps and parts that were begun again after they had been committed."""
    rows = await look.fetch(
        "SELECT c.title, n.kind, max(n.finished_at) AS at FROM contents n JOIN concepts c"
        " USING (concept_id) JOIN roadmaps r ON r.roadmap_id = n.roadmap_id"
        " WHERE r.task_id = $1 AND n.status = 'completed' GROUP BY 1, 2",
        task_id,
    )
    ends = {(row["kind"], row["title"]): row["at"].timestamp() for row in rows}
    again = [
        f"{entry.kind} of {entry.title} was asked for after it had been written"
        for entry in calls
        if entry.at > ends.get((entry.kind, entry.title), float("inf"))
    ]
    steps = await look.fetch(
        "SELECT type, payload::jsonb -> 'data' ->> 'step' AS step,"
        " payload::jsonb -> 'data' ->> 'round' AS round FROM task_events"
        " WHERE task_id = $1 AND type IN ('step_started', 'step_completed') ORDER BY seq",
        task_id,
    )
    ended: set[Any] = set()
    for row in steps:
        place = (row["step"], row["round"])
        if row["type"] == "step_completed":
            ended.add(place)
        elif place in ended:
            again.append(f"step {row['step']} began again after it had ended")
    return again


async def _judge_viewers(
    look: asyncpg.Connection, watched: Iterable[tuple[UUID, str, list[int]]], verdict: Verdict
) -> None:
    for task_id, how, seqs in watched:
        last = await look.fetchval("SELECT max(seq) FROM task_events WHERE task_id = $1", task_id)
        there = list(range(1, (last or 0) + 1))
        verdict.counts["viewers"] += 1
        verdict.counts["events at viewers"] += len(seqs)
        lost, doubled = len({*there} - {*seqs}), len(seqs) - len({*seqs})
        verdict.counts["lost events"] += lost
        verdict.counts["doubled events"] += doubled
        if seqs != there:
            verdict.wrong.append(
                f"a viewer ({how}) of {task_id} saw {seqs[:5]}…{seqs[-5:]},"
                f" {lost} lost, {doubled} doubled, of {last}"
            )
