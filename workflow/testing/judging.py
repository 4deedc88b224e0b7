"""Whether a task in whose life a worker died was done as without a death: once, and all of it.

A human may have something made anew: what the task did without a death, it may do with one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from core.states import ContentStatus, Status
from db.models import Part, TaskEvent
from db.repositories.tasks import checkpoints
from db.session import retrying_read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from workflow.testing.seen import SeenTask
    from workflow.testing.worker import Life

_ENDED: Final = frozenset({ContentStatus.COMPLETED, ContentStatus.FAILED})
_ENDS: Final = ("content_completed", "content_failed")
_Version = tuple[str, str, str, int]
"""A part's step, key, kind and version."""


@dataclass(slots=True)
class Known:
    """What is committed of a task at a moment."""

    steps: list[str] = field(default_factory=list)
    parts: dict[tuple[str, str, str], Part] = field(default_factory=dict)
    ends: Counter[_Version] = field(default_factory=Counter)
    """How often each version of a part has ended: one that failed may be tried anew."""


@dataclass(slots=True)
class Story:
    """A task's whole life, with a death in it or without."""

    task: SeenTask
    known: Known
    """In the end."""
    runs: list[Life]
    at_death: Known | None = None
    after_death: list[Life] = field(default_factory=list)


async def known_of(task_id: UUID) -> Known:
    """Read what is committed of a task."""

    async def read(session: AsyncSession) -> Known:
        done = await checkpoints(session, task_id)
        rows = await session.scalars(
            select(Part).where(Part.task_id == task_id).order_by(Part.version)
        )
        ends = await session.scalars(
            select(TaskEvent.payload).where(TaskEvent.task_id == task_id, TaskEvent.type.in_(_ENDS))
        )
        return Known(
            steps=[each.step for each in done],
            parts={(row.step, row.key, row.kind): row for row in rows if row.status in _ENDED},
            ends=Counter(_version(each["data"]) for each in ends),
        )

    return await retrying_read(read)


def check_reference(whole: Story) -> None:
    """Without any kill the workflow must do what it is to do."""
    if whole.task.status in {Status.FAILED, Status.CANCELLED}:
        raise AssertionError(f"Without any kill the task ends so: {whole.task!r}")
    if twice := _twice(whole.task, _tries(whole.task)):
        raise AssertionError(f"Without any kill: {'; '.join(twice)}")


def problems_of(story: Story, whole: Story) -> list[str]:
    """Return what went wrong after the death of a worker."""
    if story.at_death is None:
        return []  # this time the task went another way, and never came there
    problems = _again(story.at_death, story.after_death, whole.known)
    if not problems:
        problems = _twice(story.task, whole.known.ends)
    problems += _lost(story, whole.known)
    missing = set(whole.known.steps) - set(story.known.steps)
    problems += [f"lost: the step {step} never ended" for step in sorted(missing)]
    if story.task.status != whole.task.status:
        problems.append(
            f"lost: the task ended {story.task.status}/{story.task.current_step},"
            f" not {whole.task.status}: {story.task!r}"
        )
    return problems


def _again(known: Known, lives: Sequence[Life], whole: Known) -> list[str]:
    """Return what was finished for good before the death and was begun again after it."""
    rounds = Counter(known.steps)
    ends = Counter(known.ends)
    problems = []
    for about in (about for life in lives for about in life.began):
        if about["key"]:
            done = known.parts.get((about["step"], about["key"], about["kind"]))
            ends[_version(about)] += 1
            if done is None or ends[_version(about)] <= whole.ends[_version(about)]:
                continue
            if done.version >= about["version"]:
                problems.append(f"done twice: {_part_name(about)} was finished, and is made again")
            else:
                problems.append(
                    f"done twice: {_part_name(about)} was finished, and is made again as"
                    f" version {about['version']}"
                )
        elif about["round"] <= rounds[about["step"]]:
            problems.append(
                f"done twice: round {about['round']} of the step {about['step']} was finished,"
                " and runs again"
            )
    return problems


def _tries(task: SeenTask) -> Counter[_Version]:
    """Return how often each version of a part may have ended: one that fails, in each round."""
    rounds: Counter[str] = Counter()
    failed: Counter[_Version] = Counter()
    last: dict[_Version, int] = {}
    for event in task.events:
        data = event["data"]
        if event["type"] == "step_started":
            rounds[data["step"]] = data["round"]
        elif event["type"] == "content_failed":
            version = _version(data)
            if last.get(version) != rounds[data["step"]]:
                failed[version] += 1
                last[version] = rounds[data["step"]]
        elif event["type"] == "content_completed" and (version := _version(data)) in last:
            failed[version] += last[version] != rounds[data["step"]]
    return failed


def _twice(task: SeenTask, may: Mapping[_Version, int]) -> list[str]:
    """Return what the events tell to have ended more often than it may."""
    steps: Counter[tuple[str, int]] = Counter()
    parts: Counter[_Version] = Counter()
    for event in task.events:
        data = event["data"]
        if event["type"] == "step_completed":
            steps[data["step"], data["round"]] += 1
        elif event["type"] in _ENDS:
            parts[_version(data)] += 1
    told = [
        f"done twice: round {number} of the step {step} ended {times} times"
        for (step, number), times in steps.items()
        if times > 1
    ]
    told += [
        f"done twice: the part {step}/{key} ({kind}), version {version}, ended {times} times"
        for (step, key, kind, version), times in parts.items()
        if times > max(1, may.get((step, key, kind, version), 1))
    ]
    return told


def _lost(story: Story, whole: Known) -> list[str]:
    """Return what was there before the death, or was to be made, and is not there in the end."""
    before, after = story.at_death or Known(), story.known
    problems = [
        f"lost: the step {step}, number {number}, was finished before the kill"
        for number, step in enumerate(before.steps, 1)
        if after.steps[number - 1 : number] != [step]
    ]
    for name, part in before.parts.items():
        now, as_well = after.parts.get(name), whole.parts.get(name)
        where = f"the part {name[0]}/{name[1]} ({name[2]})"
        if now is None or (now.hidden and not (as_well and as_well.hidden)):
            problems.append(f"lost: {where} was finished before the kill and is not there any more")
        elif (
            now.version == part.version
            and (now.status, now.body) != (part.status, part.body)
            and whole.ends[*name, part.version] <= 1
        ):
            problems.append(f"lost: {where} was finished before the kill and is another one now")
    needs = {step: keys for life in story.after_death for step, keys in life.needs.items()}
    problems += [
        f"lost: the part {step}/{key} ({kind}) was never made"
        for step, names in needs.items()
        for key, kind in names
        if (step, key, kind) not in after.parts
    ]
    return problems


def _version(data: Mapping[str, Any]) -> _Version:
    return data["step"], data["key"], data["kind"], data["version"]


def _part_name(about: Mapping[str, Any]) -> str:
    return f"the part {about['step']}/{about['key']} ({about['kind']})"
