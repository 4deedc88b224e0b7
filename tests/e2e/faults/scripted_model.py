"""The scripted model server in a thread of its own, so that tests can look at it at any time."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from roadmaps.kinds import KINDS
from tests.model_rules import Entry, Rule
from tests.model_server import ModelServer

if TYPE_CHECKING:
    from typing import Self

START_S: Final = 10.0
CONTENT_KINDS: Final = tuple(KINDS)


@dataclass
class Gate(Rule):
    """A rule that answers its calls when it is opened, not before."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)


class _Server(ModelServer):
    async def _answer(
        self, rule: Rule | None, about: Any, writer: asyncio.StreamWriter, entry: Entry
    ) -> None:
        if isinstance(rule, Gate):
            await rule.opened.wait()
            rule = None
        await super()._answer(rule, about, writer, entry)

    def _value(self, about: Any) -> Any:
        value = super()._value(about)
        if about.kind == "resources":
            for number, resource in enumerate(value["resources"]):
                # nothing listens there: the worker looks addresses up, and tests stay on loopback
                resource["url"] = f"http://127.0.0.1:9/{number}"
        return value


class ScriptedModel:
    """One stage, one module, `concepts` concepts; calls are held by `hang` rules."""

    def __init__(self, *, concepts: int = 2, latency_s: float = 0.0) -> None:
        self._concepts = concepts
        self._latency_s = latency_s
        self._server = _Server(stages=1, modules=1, concepts=concepts, latency_s=latency_s)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="model-server", daemon=True)

    @property
    def base_url(self) -> str:
        """The address for LLM_BASE_URL."""
        return self._server.base_url

    def __enter__(self) -> Self:
        """Start to listen."""
        self._thread.start()
        assert self._ready.wait(START_S), "the model server did not start"
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop, and wait for that."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)
        assert not self._thread.is_alive(), "the model server did not stop"

    def _run(self) -> None:
        async def serve() -> None:
            async with self._server:
                self._ready.set()
                await self._stop.wait()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())

    def reset(self) -> None:
        """Forget rules and ledger; answer as in the beginning."""
        self._server.rules.clear()
        self._server.ledger.clear()
        self._server.requests.clear()
        self._server.headers.clear()
        self._server.concepts = self._concepts
        self._server.latency_s = self._latency_s

    def forget_requests(self) -> None:
        """Forget what was asked in full; the ledger stays."""
        self._server.requests.clear()
        self._server.headers.clear()

    def design(self, *, concepts: int) -> None:
        """Give roadmaps so many concepts from now on, until `reset`."""
        self._server.concepts = concepts

    def slow_down(self, latency_s: float) -> None:
        """Take that long for each further answer."""
        self._server.latency_s = latency_s

    def rule(self, behaviour: str, **fields: Any) -> Rule:
        """Add a rule, and return it so that it can be taken back."""
        rule = Rule(behaviour, **fields)
        self._server.rules.append(rule)
        return rule

    def gate(self, goal: str, *kinds: str, title: str | None = None) -> list[Gate]:
        """Hold calls of these kinds for that goal until `open` is called with what is returned."""
        gates = [Gate("ok", goal=f"{goal}$", kind=kind, title=title) for kind in kinds]
        self._server.rules += gates
        return gates

    def open(self, *gates: Gate) -> None:
        """Answer what the gates hold, and whatever comes to them from now on."""
        for gate in gates:
            self._loop.call_soon_threadsafe(gate.opened.set)

    def hold(
        self, goal: str, *kinds: str, title: str | None = None, times: int | None = 1
    ) -> list[Rule]:
        """Never answer the next `times` calls of each of these kinds for that goal."""
        return [
            self.rule("hang", goal=f"{goal}$", kind=kind, title=title, times=times)
            for kind in kinds
        ]

    def entries(self, goal: str | None = None) -> list[Entry]:
        """Return the ledger, of one goal or of all."""
        return [entry for entry in list(self._server.ledger) if goal in {None, entry.goal}]

    def calls(self, goal: str, outcome: str) -> Counter[str]:
        """Count a goal's calls with that outcome, by `kind` or `kind of title`."""
        return Counter(
            f"{entry.kind} of {entry.title}" if entry.title else entry.kind
            for entry in self.entries(goal)
            if entry.outcome == outcome
        )

    def held(self, goal: str | None = None, *, kind: str | None = None) -> int:
        """Return how many calls, of one kind or of all, are being worked on at this moment."""
        return sum(
            entry.outcome == "in_progress" and kind in {None, entry.kind}
            for entry in self.entries(goal)
        )
