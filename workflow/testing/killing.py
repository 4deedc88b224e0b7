"""Kills a worker at every place where one can die, and looks whether anything is done twice."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text

from core.states import TERMINAL, ContentStatus, Status
from db.models import Part
from db.repositories.tasks import checkpoints
from db.session import retrying_read, transaction
from workflow.accepting import create_task
from workflow.testing.errors import LabError
from workflow.testing.looking import seen_task, status_of
from workflow.testing.reviews import decide_open_review
from workflow.testing.warming import warm_up
from workflow.testing.worker import Life, live

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from pydantic import BaseModel
    from sqlalchemy.ext.asyncio import AsyncSession

    from workflow.definition import Definition
    from workflow.testing.author import Answers
    from workflow.testing.reviews import Decide
    from workflow.testing.seen import SeenTask

_AT_A_TIME: Final = min(2, os.cpu_count() or 1)
_MOST_LIVES: Final = 200
_ENOUGH: Final = 3
"""So many problems tell enough: the other places are left out then."""
_SILENT: Final = text(
    "UPDATE roadmap_tasks SET lease_until = clock_timestamp() - interval '1 second'"
    " WHERE task_id = :task_id AND lease_until IS NOT NULL"
)
USER: Final = "author"
"""Who asks, unless a test says."""
_ENDED: Final = frozenset({ContentStatus.COMPLETED, ContentStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker dies: in which of the task's runs, and at what."""

    run: int
    name: str

    def __str__(self) -> str:
        """Return it in words."""
        return self.name + (f", in run {self.run} of the task" if self.run > 1 else "")


@dataclass(slots=True)
class _Known:
    """What is committed of a task at a moment."""

    steps: list[str] = field(default_factory=list)
    parts: dict[tuple[str, str, str], Part] = field(default_factory=dict)


@dataclass(slots=True)
class _Story:
    """A task's whole life, with a death in it or without."""

    task: SeenTask
    known: _Known
    """In the end."""
    runs: list[Life]
    at_death: _Known | None = None
    after_death: list[Life] = field(default_factory=list)


async def kill_everywhere(
    definition: Definition, request: BaseModel, *, answers: Answers, decide: Decide, only: str = ""
) -> list[Place]:
    """Run a workflow once for each place, in an open lab; return the places.

    Args:
        definition: The workflow.
        request: What is asked for.
        answers: What model calls are answered.
        decide: What is decided about reviews.
        only: Only the places whose words contain this.

    Raises:
        AssertionError: Something was done twice or lost; it names what, and where the worker died.
    """
    await warm_up()
    script = _Script(definition, request, answers, decide)
    whole = await _told(script, None)
    _check_reference(whole)
    places = [
        place
        for number, life in enumerate(whole.runs, 1)
        for name in life.places
        if only in str(place := Place(number, name))
    ]
    if not places:
        raise LabError(f"No place of the workflow {definition.name!r} is called like {only!r}.")
    slots = asyncio.Semaphore(_AT_A_TIME)
    problems: list[str] = []
    tried: list[Place] = []

    async def try_out(place: Place) -> None:
        async with slots:
            if len(problems) < _ENOUGH:
                tried.append(place)
                story = await _told(script, place)
                problems.extend(f"{each} (killed {place})" for each in _problems(story, whole))

    async with asyncio.TaskGroup() as group:
        for place in places:
            group.create_task(try_out(place))
    if problems:
        raise AssertionError(_words(definition, problems, tried=len(tried), of=len(places)))
    return places


@dataclass(frozen=True, slots=True)
class _Script:
    """What is run again and again."""

    definition: Definition
    request: BaseModel
    answers: Answers
    decide: Decide


async def _told(script: _Script, place: Place | None) -> _Story:
    """Let workers bring a new task to its end, one of them dying at a place."""
    task_id = await create_task(script.request, user_id=USER, workflow=script.definition.name)
    runs: list[Life] = []
    after: list[Life] = []
    at_death: _Known | None = None
    for _ in range(_MOST_LIVES):
        status = await status_of(task_id)
        if status in TERMINAL:
            break
        if status is Status.HUMAN_REVIEW_PENDING:
            if not await decide_open_review(task_id, script.decide):
                break
            continue
        dies = place.name if place and not after and place.run == len(runs) + 1 else None
        life = await live(task_id, answers=script.answers, dies=dies)
        (runs if at_death is None else after).append(life)
        if life.killed:
            at_death = await _known(task_id)
            await _fall_silent(task_id)
    else:
        raise LabError(f"The task is {status} after {_MOST_LIVES} runs.")
    tracebacks = [text for life in (*runs, *after) for text in life.tracebacks]
    task = await seen_task(task_id, tracebacks=tracebacks)
    return _Story(task, await _known(task_id), runs, at_death, after)


async def _fall_silent(task_id: UUID) -> None:
    """Let the lease of a dead worker be over at once, instead of in LEASE_S."""
    async with transaction() as tx:
        await tx.session.execute(_SILENT, {"task_id": task_id})


async def _known(task_id: UUID) -> _Known:
    async def read(session: AsyncSession) -> _Known:
        done = await checkpoints(session, task_id)
        rows = await session.scalars(
            select(Part).where(Part.task_id == task_id).order_by(Part.version)
        )
        return _Known(
            steps=[each.step for each in done],
            parts={(row.step, row.key, row.kind): row for row in rows if row.status in _ENDED},
        )

    return await retrying_read(read)


def _check_reference(whole: _Story) -> None:
    """Without any kill the workflow must do what it is to do."""
    if whole.task.status in {Status.FAILED, Status.CANCELLED}:
        raise AssertionError(f"Without any kill the task ends so: {whole.task!r}")
    if twice := _twice(whole.task):
        raise AssertionError(f"Without any kill: {'; '.join(twice)}")


def _problems(story: _Story, whole: _Story) -> list[str]:
    """Return what went wrong after the death of a worker."""
    if story.at_death is None:
        return []  # this time the task went another way, and never came there
    problems = _again(story.at_death, story.after_death)
    if not problems:
        problems = _twice(story.task)
    problems += _lost(story)
    missing = set(whole.known.steps) - set(story.known.steps)
    problems += [f"lost: the step {step} never ended" for step in sorted(missing)]
    if story.task.status != whole.task.status:
        problems.append(
            f"lost: the task ended {story.task.status}/{story.task.current_step},"
            f" not {whole.task.status}: {story.task!r}"
        )
    return problems


def _again(known: _Known, lives: Sequence[Life]) -> list[str]:
    """Return what was finished for good before the death and was begun again after it."""
    rounds = Counter(known.steps)
    problems = []
    for about in (about for life in lives for about in life.began):
        if about["key"]:
            done = known.parts.get((about["step"], about["key"], about["kind"]))
            if done is not None and done.version >= about["version"]:
                problems.append(f"done twice: {_part_name(about)} was finished, and is made again")
            elif done is not None:
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


def _twice(task: SeenTask) -> list[str]:
    """Return what the events tell to have ended twice."""
    steps: Counter[tuple[str, int]] = Counter()
    parts: Counter[tuple[str, str, str, int]] = Counter()
    for event in task.events:
        data = event["data"]
        if event["type"] == "step_completed":
            steps[data["step"], data["round"]] += 1
        elif event["type"] in {"content_completed", "content_failed"}:
            parts[data["step"], data["key"], data["kind"], data["version"]] += 1
    told = [
        f"done twice: round {number} of the step {step} ended {times} times"
        for (step, number), times in steps.items()
        if times > 1
    ]
    told += [
        f"done twice: the part {step}/{key} ({kind}), version {version}, ended {times} times"
        for (step, key, kind, version), times in parts.items()
        if times > 1
    ]
    return told


def _lost(story: _Story) -> list[str]:
    """Return what was there before the death, or was to be made, and is not there in the end."""
    before, after = story.at_death or _Known(), story.known
    problems = [
        f"lost: the step {step}, number {number}, was finished before the kill"
        for number, step in enumerate(before.steps, 1)
        if after.steps[number - 1 : number] != [step]
    ]
    for name, part in before.parts.items():
        now = after.parts.get(name)
        where = f"the part {name[0]}/{name[1]} ({name[2]})"
        if now is None or now.hidden:
            problems.append(f"lost: {where} was finished before the kill and is not there any more")
        elif now.version == part.version and (now.status, now.body) != (part.status, part.body):
            problems.append(f"lost: {where} was finished before the kill and is another one now")
    needs = {step: keys for life in story.after_death for step, keys in life.needs.items()}
    problems += [
        f"lost: the part {step}/{key} ({kind}) was never made"
        for step, names in needs.items()
        for key, kind in names
        if (step, key, kind) not in after.parts
    ]
    return problems


def _part_name(about: dict[str, Any]) -> str:
    return f"the part {about['step']}/{about['key']} ({about['kind']})"


def _words(definition: Definition, problems: Sequence[str], *, tried: int, of: int) -> str:
    told = "\n".join(f"  {problem}" for problem in problems)
    return (
        f"The workflow {definition.name!r} does not bear a worker's death"
        f" (tried {tried} of {of} places):\n{told}"
    )
