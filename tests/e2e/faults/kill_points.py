"""The kill experiment: one worker, a task held at each point, one SIGKILL, another worker."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import asyncpg

from core.states import Decision
from roadmaps.kinds import KINDS
from roadmaps.requests import ReviewDecision
from tests.databases import empty
from tests.e2e.faults.commit_hold import CLAIM, commit_hold, until_commits_held
from tests.e2e.faults.judging import Seen, edited_calls, plain_calls
from tests.factories import ALICE, approve, new_task
from workflow.service import decide_review

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from tests.e2e.faults.rig import Rig

WISH: Final = "Knots"
_CONTENTS: Final = tuple(KINDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A moment in a task's life at which its worker is killed.

    Attributes:
        name: What the task is doing.
        step: `current_step` at that moment.
        kinds: Calls that the model holds then; none where no call is in flight.
        title: Of which concept, as the end of its title; of all when None.
        completed: Contents that are complete by then.
        review: What happened to the review by then: None when there is none.
        claimed: A worker holds the task, so it will have to be recovered.
    """

    name: str
    step: str
    kinds: tuple[str, ...] = ()
    title: str | None = None
    completed: int = 0
    review: str | None = None
    claimed: bool = True

    @property
    def topic(self) -> str:
        """What the task is about: a name of its own in the model's ledger."""
        return f"Kites {self.name.replace('_', ' ')}"

    @property
    def goal(self) -> str:
        """The task's goal."""
        return f"Learn {self.topic}"

    @property
    def held(self) -> Counter[str]:
        """The calls that are in flight at that moment."""
        if not {*self.kinds} & {*_CONTENTS}:
            return Counter(self.kinds)
        numbers = (self.title,) if self.title else ("1.1.1", "1.1.2")
        return Counter(f"{kind} of {self.topic} {n}" for kind in self.kinds for n in numbers)

    @property
    def expected(self) -> Counter[str]:
        """The calls that are answered once each in the task's whole life."""
        if self.review == "rejected":
            return edited_calls(self.topic, WISH)
        return plain_calls(self.topic)

    @property
    def contents(self) -> int:
        """How many contents the roadmap has in the end."""
        return 9 if self.review == "rejected" else 6


POINTS: Final = (
    Point(name="queued", step="queued", claimed=False),
    Point(name="intent_analysis", step="intent_analysis", kinds=("intent_analysis",)),
    Point(name="curriculum_design", step="curriculum_design", kinds=("curriculum_design",)),
    Point(
        name="structure_validation", step="structure_validation", kinds=("structure_validation",)
    ),
    Point(name="human_review", step="human_review", review="open", claimed=False),
    Point(name="resuming", step="resuming", review="approved", claimed=False),
    Point(
        name="edit_plan_analysis",
        step="edit_plan_analysis",
        kinds=("edit_plan_analysis",),
        review="rejected",
    ),
    Point(name="roadmap_edit", step="roadmap_edit", kinds=("roadmap_edit",), review="rejected"),
    Point(
        name="validation_after_edit",
        step="structure_validation",
        kinds=("structure_validation",),
        review="rejected",
    ),
    Point(name="first_content", step="content_generation", kinds=_CONTENTS),
    Point(
        name="contents_half_done",
        step="content_generation",
        kinds=_CONTENTS,
        title="1.1.2",
        completed=3,
    ),
    Point(
        name="last_content",
        step="content_generation",
        kinds=("quiz",),
        title="1.1.2",
        completed=5,
    ),
    Point(
        name="content_after_review",
        step="content_generation",
        kinds=("tutorial",),
        title="1.1.1",
        completed=5,
        review="approved",
    ),
)
BY_NAME: Final = {point.name: point for point in POINTS}
HALF: Final = (
    "intent_analysis",
    "human_review",
    "resuming",
    "roadmap_edit",
    "first_content",
    "contents_half_done",
    "last_content",
)
"""Points that stand for the others where time is short."""


@dataclass(kw_only=True, slots=True)
class Experiment:
    """What was seen, by the points' names."""

    killed: dict[str, Seen] = field(default_factory=dict)
    ended: dict[str, Seen] = field(default_factory=dict)
    answered: dict[str, Counter[str]] = field(default_factory=dict)
    gone: dict[str, Counter[str]] = field(default_factory=dict)
    recovery_s: dict[str, float] = field(default_factory=dict)
    """From the kill to the event `task_recovered`."""
    total_s: float = 0.0
    """From the kill until every task was complete."""


async def kill_at_all(rig: Rig, points: Sequence[Point], *, pool: str) -> Experiment:
    """Bring one task to each point, kill their worker's group once, let another one end them."""
    look = await asyncpg.connect(rig.database_url)
    try:
        await empty(look)
        return await _Run(rig, look, points, pool).run()
    finally:
        await look.close()


class _Run:
    """One run of the experiment."""

    def __init__(
        self, rig: Rig, look: asyncpg.Connection, points: Sequence[Point], pool: str
    ) -> None:
        self._rig = rig
        self._look = look
        self._points = points
        self._pool = pool
        self._tasks: dict[str, UUID] = {}
        # stopped while a worker claims them
        self._claiming = [point for point in points if point.name in {"queued", "resuming"}]

    async def run(self) -> Experiment:
        seen = Experiment()
        busy = len(self._points)
        worker = self._rig.worker(
            pool=self._pool,
            concurrency=busy if self._pool == "prefork" else 2 * busy,
        )
        await self._bring_all()
        goals = "|".join(f"^{point.goal}$" for point in self._claiming)
        async with commit_hold(self._rig.database_url, {goals: CLAIM} if goals else {}):
            await self._bring_to_claims()
            for point in self._points:
                seen.killed[point.name] = await self._rig.see(self._look, self._tasks[point.name])
            worker.kill()
        killed_at, began = time.time(), time.monotonic()
        await self._rig.until_true(
            lambda: not self._rig.model.held(), what="the end of all held calls"
        )
        await self._go_on()
        seen.total_s = time.monotonic() - began
        for point in self._points:
            await self._judge(point, seen, killed_at)
        self._rig.end_workers()
        return seen

    async def _bring_all(self) -> None:
        for point in self._points:
            if point not in self._claiming:
                self._tasks[point.name] = await self._bring(point)
        for point in self._claiming:
            if point.review:
                task = await new_task(goal=point.goal, review=True)
                await self._rig.until_status(self._look, [task], "human_review_pending")
                self._tasks[point.name] = task
        for point in self._points:
            await self._rig.until_held(point.goal, point.held.total())
            if point.completed:
                await self._rig.until_contents(self._look, self._tasks[point.name], point.completed)
            if point.review == "open":
                await self._rig.until_status(
                    self._look, [self._tasks[point.name]], "human_review_pending"
                )

    async def _bring(self, point: Point) -> UUID:
        """Start the point's task and have the model hold the calls at which it will be killed."""
        twice = point.name == "validation_after_edit"  # the first validation is not held
        if not twice:
            self._hold(point)
        task = await new_task(goal=point.goal, review=point.review is not None)
        if point.review is None:
            return task
        await self._rig.until_status(self._look, [task], "human_review_pending")
        if twice:
            self._hold(point)
        if point.review == "rejected":
            await decide_review(
                task, ReviewDecision(decision=Decision.REJECT, feedback=WISH), actor=ALICE
            )
        elif point.review == "approved":
            await approve(task)
        return task

    def _hold(self, point: Point) -> None:
        for kind in point.kinds:
            times = sum(name.split(" of ")[0] == kind for name in point.held)
            title = f"{point.title}$" if point.title else None
            self._rig.model.hold(point.goal, kind, title=title, times=times)

    async def _bring_to_claims(self) -> None:
        for point in self._claiming:
            if point.review:
                await approve(self._tasks[point.name])
            else:
                self._tasks[point.name] = await new_task(goal=point.goal)
        await until_commits_held(self._look, len(self._claiming))

    async def _go_on(self) -> None:
        """Start another worker and do what humans do meanwhile, until all tasks have ended."""
        for point in self._points:
            if point.review == "open":
                await approve(self._tasks[point.name])
        self._rig.worker(pool=self._pool, concurrency=16 if self._pool == "threads" else 4)
        await self._rig.rings_were_long_ago(self._look)
        again = [self._tasks[point.name] for point in self._points if point.review == "rejected"]
        await self._rig.until_status(self._look, again, "human_review_pending", sweeping=True)
        for task in again:
            await approve(task)
        await self._rig.until_status(self._look, self._tasks.values(), within_s=60, sweeping=True)

    async def _judge(self, point: Point, seen: Experiment, killed_at: float) -> None:
        task = self._tasks[point.name]
        seen.ended[point.name] = await self._rig.see(self._look, task)
        seen.answered[point.name] = self._rig.model.calls(point.goal, "ok")
        seen.gone[point.name] = self._rig.model.calls(point.goal, "client_gone")
        at = await self._look.fetchval(
            "SELECT min(created_at) FROM task_events WHERE task_id = $1"
            " AND type = 'task_recovered'",
            task,
        )
        if at is not None:
            seen.recovery_s[point.name] = at.timestamp() - killed_at
