"""Kills a worker at every place where one can die, and looks whether anything is done twice."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from core.states import TERMINAL, Status
from db.session import transaction
from workflow.accepting import create_task
from workflow.testing.errors import LabError
from workflow.testing.judging import Known, Story, check_reference, known_of, problems_of
from workflow.testing.looking import seen_task, status_of
from workflow.testing.reviews import decide_open_review
from workflow.testing.warming import warm_up
from workflow.testing.worker import Life, live

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from pydantic import BaseModel

    from workflow.definition import Definition
    from workflow.testing.author import Answers
    from workflow.testing.reviews import Decide

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker dies: in which of the task's runs, and at what."""

    run: int
    name: str

    def __str__(self) -> str:
        """Return it in words."""
        return self.name + (f", in run {self.run} of the task" if self.run > 1 else "")


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
    check_reference(whole)
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
                problems.extend(f"{each} (killed {place})" for each in problems_of(story, whole))

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


async def _told(script: _Script, place: Place | None) -> Story:
    """Let workers bring a new task to its end, one of them dying at a place."""
    task_id = await create_task(script.request, user_id=USER, workflow=script.definition.name)
    runs: list[Life] = []
    after: list[Life] = []
    at_death: Known | None = None
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
            at_death = await known_of(task_id)
            await _fall_silent(task_id)
    else:
        raise LabError(f"The task is {status} after {_MOST_LIVES} runs.")
    tracebacks = [text for life in (*runs, *after) for text in life.tracebacks]
    task = await seen_task(task_id, tracebacks=tracebacks)
    return Story(task, await known_of(task_id), runs, at_death, after)


async def _fall_silent(task_id: UUID) -> None:
    """Let the lease of a dead worker be over at once, instead of in LEASE_S."""
    async with transaction() as tx:
        await tx.session.execute(_SILENT, {"task_id": task_id})


def _words(definition: Definition, problems: Sequence[str], *, tried: int, of: int) -> str:
    told = "\n".join(f"  {problem}" for problem in problems)
    return (
        f"The workflow {definition.name!r} does not bear a worker's death"
        f" (tried {tried} of {of} places):\n{told}"
    )
