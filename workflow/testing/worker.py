"""A worker in a process of its own, which can be killed as `kill -9` does."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import traceback
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

import orjson

from workflow.asking import author_instead
from workflow.runs import run_task
from workflow.testing.about import watching
from workflow.testing.author import ScriptedAuthor
from workflow.testing.errors import LabError, ScriptError
from workflow.testing.places import MortalAuthor, Places, Reporter
from workflow.testing.remote import RemoteAnswers, reply_to

if TYPE_CHECKING:
    from uuid import UUID

    from workflow.testing.author import Answers

_LONGEST_LINE: Final = 64 * 1024 * 1024
_BROKEN: Final = 70


@dataclass(slots=True)
class Life:
    """What a worker did until its end.

    Attributes:
        result: How its run ended; None when it was killed.
        places: The places that it came to, in order.
        began: The bodies that it began.
        needs: The parts that each step was to have, as last listed.
        tracebacks: What the workflow's own code did not foresee.
        broken: What is wrong with the test's script, if anything.
    """

    result: str | None = None
    places: list[str] = field(default_factory=list)
    began: list[dict[str, Any]] = field(default_factory=list)
    needs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    tracebacks: list[str] = field(default_factory=list)
    broken: str | None = None

    def note(self, line: dict[str, Any]) -> None:
        """Note what the worker tells of itself."""
        match line:
            case {"place": place}:
                self.places.append(place)
            case {"began": about}:
                self.began.append(about)
            case {"listed": step, "needs": needs}:
                self.needs[step] = [(key, kind) for key, kind in needs]
            case {"traceback": text}:
                self.tracebacks.append(text)
            case {"broken": text}:
                self.broken = text
            case {"result": result}:
                self.result = result

    @property
    def killed(self) -> bool:
        """It came to the place that it was to die at."""
        return self.result is None


async def live(task_id: UUID, *, answers: Answers, dies: str | None = None) -> Life:
    """Let a worker of its own process take a task and work on it until the task, or it, ends.

    Args:
        task_id: The task.
        answers: As of a run; functions among them are called in this process.
        dies: The place at which it is killed.

    Raises:
        LabError: The worker ended otherwise.
        ScriptError: An answer of the test's fits nothing.
    """
    told, report = os.pipe()
    replies, reply = os.pipe()
    try:
        process = _fork(
            task_id, answers, dies, report=report, replies=replies, others=(told, reply)
        )
    finally:
        os.close(report)
        os.close(replies)
    life = Life()
    try:
        await _listen(told, reply, life, answers)
    except BaseException:
        os.kill(process, signal.SIGKILL)  # not reaped yet: the number is still its own
        raise
    finally:
        os.close(reply)
        code = await asyncio.to_thread(_ended, process)
    if life.broken is not None:
        raise ScriptError(life.broken)
    if life.result is None and code != -signal.SIGKILL:
        raise LabError(f"A worker of the lab ended by itself, with {code}; see its output above.")
    return life


def _ended(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


async def _listen(told: int, reply: int, life: Life, answers: Answers) -> None:
    """Take what the worker tells until its end."""
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(told, "rb", buffering=0)
    )
    calls: set[asyncio.Task[None]] = set()
    try:
        while data := await reader.readline():
            line = orjson.loads(data)
            if "ask" in line:
                calls.add(asyncio.create_task(reply_to(line, reply, answers)))
            else:
                life.note(line)
        if calls:
            await asyncio.wait(calls)
    finally:
        transport.close()
        for call in calls:
            call.cancel()


def _fork(
    task_id: UUID,
    answers: Answers,
    dies: str | None,
    *,
    report: int,
    replies: int,
    others: tuple[int, ...],
) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # of threads that may hold locks: those of a lab wait, and the child only computes and
        # talks to the database
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        _be_worker(task_id, answers, dies, report, replies, others)
    return process


def _be_worker(
    task_id: UUID,
    answers: Answers,
    dies: str | None,
    report: int,
    replies: int,
    others: tuple[int, ...],
) -> NoReturn:
    """Work, then end without anything of what the parent has planned for its own end."""
    code = _BROKEN
    gc.disable()  # it would copy all memory that is still shared, and nobody lives that long
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        for descriptor in others:
            os.close(descriptor)
        asyncio.run(_work(task_id, answers, dies, Reporter(report), replies))
        code = 0
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


async def _work(
    task_id: UUID, answers: Answers, dies: str | None, reporter: Reporter, replies: int
) -> None:
    remote = await RemoteAnswers.open(answers, reporter, replies)
    author = ScriptedAuthor(remote)
    places = Places(reporter, dies)
    with author_instead(MortalAuthor(author, places)), watching(places):
        result = await run_task(task_id, worker=f"lab-{os.getpid()}")
    if author.broken is not None:
        reporter.tell(broken=str(author.broken))
    reporter.tell(result=str(result))
    os._exit(0)  # connections and threads end with the process
