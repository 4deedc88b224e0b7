"""A workflow whose functions block, hang, swallow their cancellation and break, on real workers."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from roadmap_worker import Parts, Retryable, Workflow

if TYPE_CHECKING:
    from roadmap_worker import Context


class Request(BaseModel):
    """What words to make, and where it is noted what was done."""

    words: list[str]
    folder: str


rough = Workflow("rough", version=1, request=Request, title="Rough")


def note(request: Request, what: str) -> int:
    """Note that something was done; tell how often it was before."""
    with (Path(request.folder) / "ledger").open("a+") as ledger:
        ledger.write(f"{what}\n")
        ledger.seek(0)
        return ledger.read().splitlines().count(what) - 1


@rough.step
async def block(ctx: Context, request: Request) -> str:
    """Hold the loop, as careless code does."""
    if "blocks" in request.words:
        time.sleep(1.6)  # noqa: ASYNC251 - this is what is tested
    if "stands" in request.words and not note(request, "stands"):
        time.sleep(300)  # noqa: ASYNC251 - ditto
    for word in ENDS.keys() & set(request.words):
        if not note(request, word):
            ENDS[word]()
            await asyncio.sleep(60)
    return threading.current_thread().name


left: list[asyncio.Task[None]] = []
"""What a function has left behind."""


def _exit() -> None:
    """End the process, as code that was written for the command line does."""

    async def end() -> None:
        raise SystemExit(3)

    left.append(asyncio.create_task(end()))


def _stop() -> None:
    """Stop the loop, as code does that takes it for its own."""
    asyncio.get_running_loop().stop()


def _cancel() -> None:
    """Cancel all that there is, as code does that clears up behind itself."""
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


ENDS = {"exits": _exit, "stops": _stop, "cancels": _cancel}
"""Ways to end the event loop under all others."""


@rough.parts(of=lambda request: request.words, timeout_s=3.0)
async def word(ctx: Context, request: Request, part: str) -> str:
    """Do what the word says."""
    if part == "busy" and not note(request, part):
        raise Retryable("busy", after_s=0.1)
    if part == "broken":
        raise ValueError("It is broken.")
    while part == "swallows":
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            note(request, "swallowed")
    return part


@rough.step(needs=0.1, timeout_s=90)
def hang(ctx: Context, request: Request, word: Parts[str]) -> list[str]:
    """Hang in a thread, if that is wanted, for longer than anybody waits."""
    if "hangs" in request.words:
        note(request, "hanging")
        time.sleep(90)
    return [threading.current_thread().name, *sorted(word.done), *sorted(word.failed)]
