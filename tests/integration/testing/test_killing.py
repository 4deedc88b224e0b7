"""A worker is killed at every place: a sound workflow bears it, a broken engine is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from pydantic import BaseModel

from core.settings import get_settings
from core.states import ContentStatus
from roadmap_worker import Context, PartFailed, Parts, Workflow
from roadmap_worker.testing import lab
from tests.e2e.faults.whole_set import WHOLE_SET
from workflow import part_steps

if TYPE_CHECKING:
    from workflow.parts import Work


class Request(BaseModel):
    """For whom a letter is."""

    name: str = "Ada"


class Letter(BaseModel):
    """A text."""

    text: str


letters = Workflow("letters", version=1, request=Request)


@letters.step
async def names(ctx: Context, request: Request) -> list[str]:
    """Ask twice, as steps may."""
    first = await ctx.ask(Letter, f"Greet {request.name}")
    second = await ctx.ask(Letter, f"Do not forget {first.text}")
    return [second.text]


@letters.parts(of=names, key=str)
async def letter(ctx: Context, part: str) -> Letter:
    """Ask for a text."""
    return await ctx.ask(Letter, f"Write to {part}")


@letters.step
def count(ctx: Context, letter: Parts[Letter]) -> int:
    """Count what was made."""
    return len(letter)


BOB = {Letter: Letter(text="Bob")}


@pytest.mark.skipif(not WHOLE_SET, reason="half a minute; with FAULTS=all (make chaos)")
async def test_sound_workflow() -> None:
    """Whatever place a worker dies at, each step and part of a sound workflow is done once."""
    asked: list[str] = []

    async def answers(model: type[Letter], prompt: str) -> Letter:
        asked.append(prompt)
        return model(text="Bob")

    places = await lab.kill_at_every_step(letters, {}, answers=answers)
    assert "after the answer to model call 1 of the step names" in places
    assert "before model call 2 of the step names" in places
    assert "when the part letter/Bob was done, before it was committed" in places
    assert "after content_completed of letter/Bob (letter) was committed" in places
    assert len(places) == len(set(places)) > 12
    # once in each life of a task; what was in vain is asked once more
    written = asked.count("Write to Bob")
    assert len(places) + 1 < written < 2 * len(places), "answers come from the test's own process"


class Wish(BaseModel):
    """What a reviewer wants."""


songs = Workflow("songs", request=Wish)


@songs.parts(of=lambda: ["a", "b"])
async def song(ctx: Context, part: str, feedback: str | None = None) -> str:
    """Fail with one, however often it is tried."""
    if part == "b":
        raise PartFailed("hoarse", "No voice.")
    return f"{part} {feedback}"


songs.review(of=song)


async def test_what_a_human_has_made_anew() -> None:
    """Parts that a reviewer sends back end once more, and that is not done twice."""

    def decide(review: Any) -> Any:
        return {"decision": "reject", "feedback": "louder"} if review.round == 1 else "approve"

    places = await lab.kill_at_every_step(songs, {}, decide=decide, only="committed")
    assert "after content_completed of song/a (song) was committed" in places
    assert any(place.endswith("in run 2 of the task") for place in places)


_FORGET = """
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER forgetful BEFORE INSERT ON checkpoints FOR EACH ROW EXECUTE FUNCTION forget()
"""


async def test_forgotten_checkpoint() -> None:
    """An engine that tells that a step ended, and does not keep what it gave, is found out."""
    async with lab(letters) as opened:
        url = get_settings().database_url.get_secret_value()
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(_FORGET)
        try:
            with pytest.raises(AssertionError, match=r"done twice: round 1 of the step names"):
                await opened.kill_at_every_step({}, answers=BOB, only="step_completed of names")
        finally:
            await connection.execute("DROP FUNCTION forget CASCADE")
            await connection.close()


async def test_finished_parts_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that makes finished parts again is found out."""
    left: Any = vars(part_steps)["work_left"]

    def forgetful(task_id: Any, step: str, needs: Any, newest: Any, **named: Any) -> Work:
        for part in newest:
            part.input_digest = "another" if part.status == ContentStatus.COMPLETED else ""
        work: Work = left(task_id, step, needs, newest, **named)
        return work

    monkeypatch.setattr(part_steps, "work_left", forgetful)
    with pytest.raises(AssertionError, match=r"done twice: the part letter/.* as version 2"):
        await lab.kill_at_every_step(letters, {}, answers=BOB, only="after content_completed")


def remembering() -> Workflow[Request]:
    """Return a workflow that keeps in its process what it should return."""
    memory: list[str] = []
    flow = Workflow("remembering", version=1, request=Request)

    @flow.step
    async def think(ctx: Context, request: Request) -> None:
        memory.append(request.name)

    @flow.step
    async def tell(ctx: Context) -> str:
        return memory[-1]

    return flow


async def test_memory_is_no_checkpoint() -> None:
    """A workflow that goes by what its process remembers is found out: another worker forgets."""
    with pytest.raises(AssertionError, match=r"lost: the task ended failed/tell(?s:.*)IndexError"):
        await lab.kill_at_every_step(remembering(), {})


async def test_workflow_that_fails_anyway() -> None:
    """A workflow that fails without any kill is told as that, with the reason."""

    def answers(_model: type[Letter], _prompt: str) -> Letter:
        raise ConnectionError("no network in tests")

    with pytest.raises(AssertionError, match=r"Without any kill the task ends so: .*failed/names"):
        await lab.kill_at_every_step(letters, {}, answers=answers)
