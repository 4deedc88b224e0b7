"""A lab runs workflows as a worker does, with a test's answers and decisions."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from core.settings import get_settings
from roadmap_worker import Context, PartFailed, Parts, Workflow
from tests.toy import TOY
from workflow.testing import LabError, ScriptError, SeenReview, lab
from workflow.testing.given import check_answers, check_decide

if TYPE_CHECKING:
    from pathlib import Path


class Nothing(BaseModel):
    """What asks for nothing."""


@pytest.fixture
def request_for(tmp_path: Path) -> dict[str, Any]:
    """Ask for a report."""
    return {"topic": "Kites", "folder": str(tmp_path)}


async def test_run(request_for: dict[str, Any]) -> None:
    """A run goes to the end, reviews approved, and shows status, results, parts and events."""
    async with lab(TOY) as opened:
        task = await opened.run(request_for)
    assert (task.status, task.current_step) == ("completed", "completed")
    assert task.results["plan"] == {"chapters": ["Chapter 1", "Chapter 2"]}
    part = task.parts["write"]["chapter 1"]["text"]
    assert (part.status, part.version, part.title) == ("completed", 1, "Chapter 1")
    assert task.parts["write", "chapter 1", "text"] is part
    types = [event.type for event in task.events]
    assert types[0] == "task_queued"
    assert types[-1] == task.events[-1]["type"] == "task_completed"


async def test_decisions(request_for: dict[str, Any]) -> None:
    """A function decides each review; a rejection goes back to the plan."""
    seen: list[int] = []

    def decide(review: SeenReview) -> Any:
        seen.append(review.round)
        if review.round == 1:
            return {"decision": "reject", "feedback": "One more"}
        return "approve"

    async with lab(TOY) as opened:
        task = await opened.run(request_for, decide=decide)
    assert seen == [1, 2]
    assert len(task.results["plan"]["chapters"]) == 3


async def test_review_of_parts() -> None:
    """It is asked about all parts by their keys, and may put another value in the place of one."""
    flow = Workflow("reviewed_parts", version=1, request=Nothing, title="Parts")

    @flow.parts(of=lambda: ["a", "b"])
    async def word(ctx: Context, part: str) -> str:
        return part.upper()

    flow.review(of=word)
    asked: list[Any] = []

    def decide(review: SeenReview) -> Any:
        asked.append((review.of, review.value, review["value"]))
        return {"decision": "edit", "value": {"b": "other"}}

    async with lab(flow) as opened:
        task = await opened.run({}, decide=decide)
    assert asked == [("word", {"a": "A", "b": "B"}, {"a": "A", "b": "B"})]
    assert task.status == "completed"
    assert task.results["word"] == {"a": "A", "b": "other"}


async def test_review_left_open(request_for: dict[str, Any]) -> None:
    """Who decides nothing gets the task as it waits, and may go on with it later."""
    async with lab(TOY) as opened:
        task = await opened.run(request_for, decide=lambda _: None)
        assert (task.status, task.current_step) == ("human_review_pending", "human_review")
        assert (await opened.go_on(task)).status == "completed"


async def test_failed_parts(request_for: dict[str, Any], tmp_path: Path) -> None:
    """A part that failed is named by the task, made by a retry, and made anew on request."""
    (tmp_path / "fails").write_text("text of Chapter 2")
    async with lab(TOY) as opened:
        task = await opened.run(request_for)
        assert task.status == "partial_failure"
        assert [(part.key, part.kind) for part in task.failed] == [("chapter 2", "text")]
        assert "told_to_fail" in repr(task)
        (tmp_path / "fails").unlink()
        task = await opened.retry(task)
        assert (task.status, task.attempt) == ("completed", 2)
        task = await opened.regenerate(task, "write", "chapter 1", kinds=["text"])
    assert task.parts["write"]["chapter 1"]["text"].version == 2
    assert task.parts["write"]["chapter 1"]["picture"].version == 1


async def test_parts_that_give_nothing() -> None:
    """A part that was made is among the results, though what it gives is None."""
    flow = Workflow("nothing", request=Nothing)

    @flow.parts(of=lambda: ["a", "b"])
    async def noted(ctx: Context, part: str) -> None:
        if part == "b":
            raise PartFailed("lost", "It is lost.")

    @flow.step(needs=0.5)
    async def count(ctx: Context, noted: Parts[None]) -> int:
        return len(noted)

    async with lab(flow) as opened:
        task = await opened.run({})
    assert task.results["count"] == 1
    assert dict(task.results["noted"]) == {"a": None}
    assert list(task.results["noted"].failed) == ["b"]


async def test_no_parts() -> None:
    """A step that had nothing to make has a result as well, an empty one."""
    flow = Workflow("empty", request=Nothing)

    @flow.parts(of=lambda: [])  # noqa: PIE807 - functions that read results have parameters
    async def noted(ctx: Context, part: str) -> str:
        return part

    async with lab(flow) as opened:
        task = await opened.run({})
    assert dict(task.results["noted"]) == {}


async def test_no_decision(request_for: dict[str, Any]) -> None:
    """What is no decision is told to the test."""
    async with lab(TOY) as opened:
        with pytest.raises(ScriptError, match="`decide` gave 'yes'"):
            await opened.run(request_for, decide="yes")


class Answer(BaseModel):
    """What a model answers."""

    text: str


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({Answer: lambda key: Answer(text=key)}, "for Answer is `<lambda>(key)` (test_lab.py:"),
        ({Answer: lambda key: Answer(text=key)}, "`lambda model, prompt, key: …`"),
        ({Answer: lambda _model, _prompt, extra: extra}, "`<lambda>(_model, _prompt, extra)`"),
        ({Answer: Answer}, "the class Answer for Answer; give an instance"),
        ({"Answer": Answer(text="")}, "'Answer', which is no output model"),
        (lambda: None, "`answers` is `<lambda>()`"),
        ([], "must be a mapping"),
    ],
)
def test_answers_that_cannot_be_called(given: Any, said: str) -> None:
    """Before anything runs it is said which function of which model is called how."""
    with pytest.raises(ScriptError, match=re.escape(said)):
        check_answers(given)


@pytest.mark.parametrize(
    "given",
    [
        None,
        {Answer: Answer(text="yes"), BaseModel: RuntimeError("no")},
        {Answer: lambda _model, _prompt, key, kind: Answer(text=key + kind)},
        {Answer: lambda *_args, **named: Answer(text=named["step"])},
        lambda _model, _prompt, *, key="": Answer(text=key),
    ],
)
def test_answers_that_can_be_called(given: Any) -> None:
    """Instances, errors, and functions that take model, prompt and what they name of the rest."""
    check_answers(given)


def test_a_decision_takes_the_review() -> None:
    """A function that takes anything else is named."""
    with pytest.raises(ScriptError, match="called with the review"):
        check_decide(lambda _review, _task: "approve")
    check_decide(lambda _review: "approve")


breaks = Workflow("breaks", request=Answer, title="Breaks")


@breaks.parts(of=lambda request: request.text.split())
def shout(ctx: Context, part: str) -> str:
    """Fail alike for all parts, with another error behind."""
    raise RuntimeError("no voice") from ValueError("behind")


async def test_what_an_authors_code_raised_is_told_once() -> None:
    """With all parts that it was raised in, and without a frame of the engine's."""
    async with lab(breaks) as opened:
        task = await opened.run({"text": "a b c"})
    assert task.status == "failed"
    (told,) = task.tracebacks
    head, _, trace = told.partition("\n")
    assert sorted(head.removeprefix("In the ").removesuffix(":").split(", ")) == [
        "part shout/a",
        "part shout/b",
        "part shout/c",
    ]
    files = re.findall(r'File "(.+?)"', trace)
    assert set(files) == {__file__}
    assert "no voice" in repr(task)
    assert "behind" in trace


def test_nothing_to_run() -> None:
    """A lab without a workflow says how one is named."""
    with pytest.raises(LabError, match=r"lab\(book\)"):
        lab()


async def test_a_lab_that_is_not_open(request_for: dict[str, Any]) -> None:
    """Before and after its block it runs nothing: the environment's own database would count."""
    lab_of_toy = lab(TOY)
    with pytest.raises(LabError, match="async with"):
        await lab_of_toy.run(request_for)
    async with lab_of_toy:
        task = await lab_of_toy.run(request_for)
    for again in (
        lab_of_toy.run(request_for),
        lab_of_toy.kill_at_every_step(request_for),
        lab_of_toy.go_on(task),
        lab_of_toy.retry(task),
        lab_of_toy.regenerate(task, "write", "chapter 1"),
    ):
        with pytest.raises(LabError, match="async with"):
            await again


async def test_own_settings(
    request_for: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither the environment nor `.env` counts in a lab; what the test sets does, in it alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ROADMAP_DATABASE_URL=postgresql://production/db\n")
    monkeypatch.setenv("ROADMAP_NO_SUCH_SETTING", "1")
    async with lab(TOY, content_concurrency=1) as opened:
        assert get_settings().content_concurrency == 1
        assert "production" not in get_settings().database_url.get_secret_value()
        assert (await opened.run(request_for)).status == "completed"
    (tmp_path / ".env").unlink()
    monkeypatch.delenv("ROADMAP_NO_SUCH_SETTING")
    get_settings.cache_clear()
    assert get_settings().content_concurrency != 1


async def test_at_the_same_time(request_for: dict[str, Any]) -> None:
    """Runs of one lab do not disturb each other, and a second lab opens at once."""
    async with lab(TOY) as opened:
        tasks = await asyncio.gather(*(opened.run(request_for) for _ in range(3)))
    assert {task.status for task in tasks} == {"completed"}
    began = time.monotonic()
    async with lab(TOY):
        assert time.monotonic() - began < 0.5


_SCRIPT = """
import asyncio, os, signal, sys
from roadmap_worker import Context, PartFailed, Parts, Workflow
from tests.toy import TOY
from workflow.testing import lab

async def main():
    async with lab(TOY) as opened:
        task = await opened.run({"topic": "Kites", "folder": sys.argv[1]})
    print(task.status)
    if "die" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_leaves_nothing_behind(tmp_path: Path) -> None:
    """A plain script runs a lab; its server and folder are gone with the process."""
    (tmp_path / "temp").mkdir(mode=0o777)
    (tmp_path / "temp").chmod(0o777)
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temp")}
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "completed"
    assert not list((tmp_path / "temp").glob("roadmap-lab-*"))


class Word(BaseModel):
    """What a model answers."""

    word: str


async def test_threads_and_loops_of_the_authors_own() -> None:
    """What they ask is asked on the lab's loop, and answered by the test."""
    flow = Workflow("threads", request=Nothing)
    loops: list[asyncio.AbstractEventLoop] = []

    @flow.step
    def pooled(ctx: Context) -> list[str]:
        def asked(number: int) -> str:
            return ctx.wait(ctx.ask(Word, f"Word {number}")).word

        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(asked, range(5)))

    @flow.step
    def looped(ctx: Context) -> list[str]:
        asked = asyncio.run(ctx.ask(Word, "A word"))
        return [asked.word, asyncio.run(ctx.stream(Word, "Another", field="word")).word]

    def answer(model: type[BaseModel], prompt: str) -> Word:
        loops.append(asyncio.get_running_loop())
        return Word(word=prompt.upper())

    async with lab(flow) as opened:
        task = await opened.run({}, answers={Word: answer})
    assert task.results["pooled"] == [f"WORD {number}" for number in range(5)]
    assert task.results["looped"] == ["A WORD", "ANOTHER"]
    assert len(task.asked) == 7
    assert set(loops) == {asyncio.get_running_loop()}
