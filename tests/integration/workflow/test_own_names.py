"""Authors keep their names and texts in classes that are texts and enumerations in one."""

from __future__ import annotations

from enum import Enum

from pydantic import BaseModel

from roadmap_worker import Context, Finished, Next, PartFailed, Parts, Workflow
from roadmap_worker.testing import lab
from workflow.context import _told


class Name(str, Enum):  # noqa: UP042 - `str()` of a member is its name here, unlike a StrEnum's
    """What the workflow of this file is made of."""

    FLOW = "shelf"
    LIST = "titles"
    TEXT = "text"
    QUIZ = "quiz"
    NO_SOURCES = "no_sources"
    USER = "user"
    FIELD = "word"


class Request(BaseModel):
    """It asks for nothing."""


class Word(BaseModel):
    """What models answer here."""

    word: str


async def test_members_of_enumerations_are_the_texts_they_stand_for() -> None:
    """Nobody reads `Name.TEXT`; the author's function gets the member that it has declared."""
    flow = Workflow(Name.FLOW, request=Request, title=lambda _: Name.TEXT)
    given = []

    @flow.step
    def titles(ctx: Context) -> list[str]:
        ctx.progress(Name.TEXT)
        return ["a", "b"]

    flow.review(of=titles, on_expiry="keep")

    @flow.parts(of=titles, kinds=[Name.TEXT, Name.QUIZ])
    async def piece(ctx: Context, part: str, kind: Name) -> str:
        given.append(kind)
        if (part, kind) == ("b", Name.QUIZ):
            raise PartFailed(Name.NO_SOURCES, Name.QUIZ)
        prompt = [{"role": Name.USER, "content": Name.TEXT}]
        return (await ctx.stream(Word, prompt, field=Name.FIELD)).word

    @flow.step(needs=0.5)
    def known(ctx: Context, piece: Parts[str]) -> dict[str, list[str]]:
        return {key: list(kinds) for key, kinds in piece.items()}

    @flow.plan
    def way(done: Finished) -> Next:
        return done.next if done.times(Name.LIST) else Name.LIST

    async with lab(flow) as opened:
        task = await opened.run({}, answers={Word: Word(word="Wind")})
    assert (task.status, task.current_step) == ("partial_failure", "piece")
    assert task.results["known"] == {"a": ["text", "quiz"], "b": ["text"]}
    told = [event.message for event in task.events]
    assert "The quiz of 'b' failed: quiz" in told
    assert "'text' waits for your review" in told
    assert not [message for message in told if "Name." in message]
    assert all(isinstance(kind, Name) for kind in given)


def test_messages_have_plain_roles() -> None:
    """A provider would refuse the role `Name.USER`."""
    assert str(_told([{"role": Name.USER, "content": Name.TEXT}])) == str(
        [{"role": "user", "content": "text"}]
    )
