"""Whatever is done to tasks, in whatever order: the table of states and its promises hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.errors import AppError
from core.loop_local import LoopLocal
from core.provider_errors import ContentRefusedError
from core.settings import get_settings
from core.states import TERMINAL, Status, can_move
from db.recorder import flush_recorder
from notifications.events import parse_event
from roadmaps.kinds import KINDS
from roadmaps.regeneration import regenerate
from roadmaps.requests import ReviewDecision
from roadmaps.steps.names import STAGES
from tests.databases import empty
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import ALICE, close_loop, expire_lease, kill, new_task
from tests.ledger import LedgerAuthor
from workflow import asking, doorbell
from workflow.ending import Result
from workflow.recovery import Queue, recover
from workflow.runs import run_task
from workflow.service import cancel_task, decide_review, retry_task

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from uuid import UUID

    from llm import Call

TITLES = ["Kites", "Wind"]
ENDS = {
    "task_completed": Status.COMPLETED,
    "task_partially_failed": Status.PARTIAL_FAILURE,
    "task_failed": Status.FAILED,
    "task_cancelled": Status.CANCELLED,
}
which = st.integers(0, 1)
moments = st.integers(0, 12)


class TaskLife(RuleBasedStateMachine):
    """Tasks, and everything that users, workers, schedulers and accidents do to them."""

    runner: ClassVar[asyncio.Runner]
    connection: ClassVar[asyncpg.Connection]
    author: ClassVar[LedgerAuthor]

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[UUID] = []
        self.done: dict[UUID, Any] = {}
        self.versions: dict[tuple[UUID, str], int] = {}
        self.failing: set[str] = set()
        self.hang_at: int | None = None
        self.hanging = asyncio.Event()
        self.edits = self.calls = 0

    def go(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the one event loop."""
        return self.runner.run(asyncio.wait_for(work, 30))

    def task(self, number: int) -> UUID:
        """Return one of the tasks."""
        return self.tasks[number % len(self.tasks)]

    # --- what is done -------------------------------------------------------------------------

    @initialize()
    def clean(self) -> None:
        """Begin with nothing."""
        self.go(empty(self.connection))
        self.author.asked.clear()
        self.author.answered.clear()
        self.author.before = self._before
        self.author.operations = [{"op": "update", "concept": "C1", "description": "Edited."}]

    async def _before(self, call: Call[Any]) -> None:
        self.calls += 1
        if self.hang_at is not None and self.calls > self.hang_at:
            self.hanging.set()
            await asyncio.Event().wait()
        if call.kind in self.failing or call.prompt.title in self.failing:
            raise ContentRefusedError

    @rule(review=st.booleans())
    @precondition(lambda self: len(self.tasks) < 2)
    def create(self, review: bool) -> None:  # noqa: FBT001 - Hypothesis gives it by name
        """Somebody asks for a roadmap."""
        self.tasks.append(self.go(new_task(review=review)))

    @rule(number=which, times=st.integers(1, 3))
    @precondition(lambda self: self.tasks)
    def deliver(self, number: int, times: int) -> None:
        """A task is delivered once or several times at the same moment."""
        task = self.task(number)

        async def work() -> list[Result]:
            return await asyncio.gather(*(run_task(task, worker=f"w{n}") for n in range(times)))

        results = self.go(work())
        assert sum(result is not Result.NOTHING_TO_DO for result in results) <= 1

    @rule(number=which, at=moments, freed=st.booleans(), also_cancel=st.booleans())
    @precondition(lambda self: self.tasks)
    def deliver_and_kill(self, number: int, at: int, freed: bool, also_cancel: bool) -> None:  # noqa: FBT001
        """A worker takes a task and is killed, or the task is cancelled, at some call."""
        task = self.task(number)

        async def work() -> None:
            self.hang_at = self.calls + at
            self.hanging = asyncio.Event()
            run = asyncio.create_task(run_task(task, worker="doomed"))
            hangs = asyncio.create_task(self.hanging.wait())
            await asyncio.wait({run, hangs}, return_when=asyncio.FIRST_COMPLETED)
            if also_cancel:
                await _attempt(cancel_task(task, actor=ALICE))
                await asyncio.wait({run}, timeout=5)
            await kill(run)
            hangs.cancel()
            await asyncio.wait({hangs})
            self.hang_at = None
            await flush_recorder()
            if freed:
                await expire_lease(self.connection, task)

        self.go(work())

    @rule(number=which)
    @precondition(lambda self: self.tasks)
    def silence(self, number: int) -> None:
        """A worker is silent for too long."""
        self.go(expire_lease(self.connection, self.task(number)))

    @rule()
    def sweep(self) -> None:
        """The scheduler looks for what nobody holds, twice at the same moment."""

        async def work() -> None:
            await asyncio.gather(recover(Queue(depth=0)), recover(None))

        self.go(work())

    @rule(
        number=which,
        kind=st.sampled_from(["approve", "reject", "edit"]),
        stale=st.booleans(),
        times=st.integers(1, 2),
    )
    @precondition(lambda self: self.tasks)
    def decide(self, number: int, kind: str, stale: bool, times: int) -> None:  # noqa: FBT001
        """A reviewer answers, perhaps twice, perhaps about an old version."""
        task = self.task(number)

        async def work() -> None:
            row = await self.connection.fetchrow(
                "SELECT c.concept_id, r.version FROM concepts c JOIN roadmaps r USING (roadmap_id)"
                " WHERE r.task_id = $1 AND NOT c.removed ORDER BY 1 LIMIT 1",
                task,
            )
            self.edits += 1
            fields: dict[str, Any] = {"decision": kind}
            if kind == "reject":
                fields["feedback"] = "change it"
            if kind == "edit":
                concept = str(row["concept_id"] if row else task)
                title = f"Title {self.edits}"
                fields["edits"] = [{"op": "rename", "concept_id": concept, "title": title}]
            decision = ReviewDecision.model_validate(fields)
            versions = None if row is None else [row["version"] + stale]
            done = await asyncio.gather(
                *(
                    _attempt(decide_review(task, decision, actor=ALICE, versions=versions))
                    for _ in range(times)
                )
            )
            assert sum(done) <= (0 if stale and row else 1)

        self.go(work())

    @rule(number=which)
    @precondition(lambda self: self.tasks)
    def cancel(self, number: int) -> None:
        """Somebody cancels a task."""
        self.go(_attempt(cancel_task(self.task(number), actor=ALICE)))

    @rule(number=which)
    @precondition(lambda self: self.tasks)
    def retry(self, number: int) -> None:
        """Somebody retries a task."""
        self.go(_attempt(retry_task(self.task(number), actor=ALICE)))

    @rule(number=which, kind=st.sampled_from(list(KINDS)))
    @precondition(lambda self: self.tasks)
    def regenerate(self, number: int, kind: str) -> None:
        """Somebody wants a content anew."""
        task = self.task(number)

        async def work() -> None:
            row = await self.connection.fetchrow(
                "SELECT concept_id, r.roadmap_id FROM concepts JOIN roadmaps r USING (roadmap_id)"
                " WHERE task_id = $1 AND NOT removed ORDER BY 1 LIMIT 1",
                task,
            )
            if row is None:
                return
            await _attempt(regenerate(row["roadmap_id"], row["concept_id"], [kind], actor=ALICE))

        self.go(work())

    @rule(what=st.sets(st.sampled_from([*TITLES, "structure_validation", "roadmap_edit"])))
    def fail(self, what: set[str]) -> None:
        """From now on the model fails for these."""
        self.failing = what

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def everything_holds(self) -> None:
        """Check every promise about every task."""
        for task in self.tasks:
            self.go(self._check(task))

    async def _check(self, task: UUID) -> None:
        row = await self.connection.fetchrow("SELECT * FROM roadmap_tasks WHERE task_id=$1", task)
        assert row is not None
        status, step = Status(row["status"]), row["current_step"]
        assert STAGES.is_legal(status, step)
        assert (row["finished_at"] is not None) == (status in TERMINAL)
        assert (row["error"] is not None) == (status is Status.FAILED)
        assert row["lease_until"] is None or status is Status.PROCESSING
        assert (row["lease_until"] is None) == (row["lease_owner"] is None)
        assert 0 <= row["done"] <= row["total"]
        await self._check_events(task, row)
        await self._check_reviews(task, status)
        await self._check_contents(row, status)

    async def _check_events(self, task: UUID, row: Any) -> None:
        stored = await self.connection.fetch(
            "SELECT seq, payload FROM task_events WHERE task_id = $1 ORDER BY seq", task
        )
        told = [orjson.loads(each["payload"]) for each in stored]
        assert [event["seq"] for event in told] == list(range(1, row["last_seq"] + 1))
        before, percent = Status.PENDING, 0.0
        for event in told:
            parse_event(event)
            now = Status(event["status"])
            name = event["type"]
            assert STAGES.is_legal(now, event["current_step"])
            assert now is before or can_move(before, now), f"{before} → {now} at {name}"
            if before in TERMINAL and name != "task_cancelled":  # its request is the same fact
                assert name == "task_retried", f"{name} after the end"
                percent = 0.0
            if name in ENDS:
                assert now is ENDS[name]
            value = event["progress"]["percent"]
            assert value >= percent, f"{percent} → {value} at {name}"
            assert (value == 100) == (name == "task_completed")
            before, percent = now, value
        assert before == row["status"], "a status that no event told"
        assert percent == row["percent"] or told[-1]["status"] == "processing"
        names = [event["type"] for event in told]
        assert names.count("task_started") <= 1
        assert names.count("task_retried") == row["attempt"] - 1

    async def _check_reviews(self, task: UUID, status: Status) -> None:
        reviews = await self.connection.fetch(
            "SELECT * FROM reviews WHERE task_id = $1 ORDER BY round", task
        )
        is_open = [review["status"] == "open" for review in reviews]
        assert sum(is_open) == (status is Status.HUMAN_REVIEW_PENDING)
        assert not any(is_open[:-1])
        assert [review["round"] for review in reviews] == list(range(1, len(reviews) + 1))

    async def _check_contents(self, row: Any, status: Status) -> None:
        rows = await self.connection.fetch(
            "SELECT c.*, k.removed FROM contents c JOIN concepts k USING (concept_id)"
            " WHERE c.roadmap_id = $1 ORDER BY version",
            row["roadmap_id"],
        )
        found = {each["content_id"]: each for each in rows}
        for key, content in self.done.items():
            if content["roadmap_id"] == row["roadmap_id"]:
                assert found.get(key) == content, "a completed content was lost or written again"
        self.done |= {key: each for key, each in found.items() if each["status"] == "completed"}
        newest = {(each["concept_id"], each["kind"]): each for each in rows if not each["removed"]}
        for each in rows:
            if newest.get((each["concept_id"], each["kind"])) is not each:
                assert each["status"] == "completed" or each["removed"], "an old one, not done"
        statuses = [each["status"] for each in newest.values()]
        if status is not Status.PROCESSING:
            assert "running" not in statuses, "nobody works on it"
        if status in {Status.COMPLETED, Status.PARTIAL_FAILURE}:
            concepts = await self.connection.fetchval(
                "SELECT count(*) FROM concepts WHERE roadmap_id = $1 AND NOT removed",
                row["roadmap_id"],
            )
            assert len(newest) == 3 * concepts == row["total"]
            assert statuses.count("completed") == row["done"]
            failed = statuses.count("failed")
            assert failed + row["done"] == row["total"]
            assert (failed == 0) == (status is Status.COMPLETED)


async def _attempt(work: Coroutine[Any, Any, Any]) -> bool:
    """Do something that may be refused; return whether it was done."""
    try:
        await work
    except AppError:
        return False
    return True


@pytest.mark.timeout(600)  # when it fails the shortest way to the failure is looked for
def test_life_of_tasks(
    postgres_url: str, settings_env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every move in any order the table of states, log, reviews and contents agree."""
    settings_env.setenv("ROADMAP_DATABASE_URL", postgres_url)
    get_settings.cache_clear()
    author = LedgerAuthor(*TITLES)
    monkeypatch.setattr(asking, "_authors", LoopLocal(lambda: author))
    doorbell.install(lambda _ring: None)
    with asyncio.Runner() as runner:
        TaskLife.runner, TaskLife.author = runner, author
        TaskLife.connection = runner.run(asyncpg.connect(postgres_url))
        try:
            run_state_machine_as_test(
                TaskLife,
                settings=settings(
                    max_examples=100 if WHOLE_SET else 12,
                    stateful_step_count=25,
                    deadline=None,
                    derandomize=settings.default is not None and settings.default.derandomize,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(TaskLife.connection.close())
            runner.run(close_loop())
            doorbell.install(None)
