"""The places at which a worker can die, and the process that dies there."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import orjson

from db.recorder import observe
from workflow.testing.about import About, traceback_of
from workflow.testing.author import asked_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.facts import Recorded
    from llm import Author, Call, Completion, OnText
    from llm.calls import OnRetry, T
    from workflow.parts import Need

_OF_PARTS: Final = "content_"


class Reporter:
    """Sends lines of JSON to the process that started this one; what was sent outlives us."""

    def __init__(self, descriptor: int) -> None:
        """Take the open end of a pipe."""
        self._descriptor = descriptor

    def tell(self, **line: Any) -> None:
        """Send one line, whole, before anything else happens."""
        data = memoryview(orjson.dumps(line) + b"\n")
        while data:
            data = data[os.write(self._descriptor, data) :]


class Places:
    """Names each place that this worker comes to, and kills the worker at the chosen one.

    A place is where what is known for good has changed, or what was done in vain if the worker
    dies there: after each commit, around each model call, after each body before its commit.
    """

    def __init__(self, reporter: Reporter, deadly: str | None) -> None:
        """Take the place to die at; None lives on."""
        self._reporter = reporter
        self._deadly = deadly
        self._passed: Counter[str] = Counter()
        self._calls: Counter[About] = Counter()
        observe(self._committed)

    def reach(self, place: str) -> None:
        """Come to a place, and die there if it is the chosen one."""
        self._passed[place] += 1
        if (number := self._passed[place]) > 1:
            place = f"{place}, time {number}"
        self._reporter.tell(place=place)
        if place == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def began(self, about: About) -> None:
        """Note that a body runs."""
        self._calls.pop(about, None)
        self._reporter.tell(began=_fields(about))

    def ended(self, about: About, error: BaseException | None) -> None:
        """Note that it has run; nothing of that is committed yet."""
        if error is None:
            self.reach(f"when the {about} was done, before it was committed")
        elif (text := traceback_of(error)) is not None:
            self._reporter.tell(traceback=f"In the {about}:\n{text}")

    def listed(self, step: str, needs: Sequence[Need]) -> None:
        """Note which parts there should be."""
        self._reporter.tell(listed=step, needs=[[need.key, need.kind] for need in needs])

    def asks(self, about: About) -> None:
        """Come to a model call; before the first of a body nothing has changed since a commit."""
        self._calls[about] += 1
        if self._calls[about] > 1:
            self.reach(f"before model call {self._calls[about]} of the {about}")

    def answered(self, about: About) -> None:
        """Come to the answer of a model call."""
        self.reach(f"after the answer to model call {self._calls[about]} of the {about}")

    def _committed(self, recorded: Recorded) -> None:
        told = ", ".join(_told(event) for event in recorded.events) or "the task's lease"
        self.reach(f"after {told} was committed")


class MortalAuthor:
    """An author whose calls are places to die at."""

    def __init__(self, author: Author, places: Places) -> None:
        """Take who really answers."""
        self._author = author
        self._places = places

    async def complete(self, call: Call[T], *, on_retry: OnRetry | None = None) -> Completion[T]:
        """Answer."""
        about = _caller(call)
        self._places.asks(about)
        completion = await self._author.complete(call, on_retry=on_retry)
        self._places.answered(about)
        return completion

    async def stream(
        self, call: Call[T], *, field: str, on_text: OnText, on_retry: OnRetry | None = None
    ) -> Completion[T]:
        """Answer in pieces."""
        about = _caller(call)
        self._places.asks(about)
        completion = await self._author.stream(
            call, field=field, on_text=on_text, on_retry=on_retry
        )
        self._places.answered(about)
        return completion

    async def aclose(self) -> None:
        """Close the author."""
        await self._author.aclose()


def _caller(call: Call[Any]) -> About:
    asked = asked_for(call)
    return About(step=asked.step, round=asked.round, key=asked.key, kind=asked.kind)


def _fields(about: About) -> dict[str, Any]:
    return {
        "step": about.step,
        "round": about.round,
        "key": about.key,
        "kind": about.kind,
        "version": about.version,
    }


def _told(event: dict[str, Any]) -> str:
    """Return an event in few words: `content_completed of chapter/intro (text)`."""
    data = event["data"]
    if event["type"].startswith(_OF_PARTS) and data.get("key"):
        return f"{event['type']} of {data.get('step', '')}/{data['key']} ({data.get('kind', '')})"
    step = data.get("step") or event["current_step"]
    number = data.get("round") or 1
    return f"{event['type']} of {step}" + (f", round {number}," if number > 1 else "")
