"""A language model for tests: an OpenAI-compatible HTTP server that does what it is told.

It answers any JSON Schema, knows the kinds of calls of this project so that its answers are
sensible, keeps a ledger, and misbehaves by rules. Run it by itself with

    python -m tests.model_server --port 0 --ledger ledger.jsonl

which prints its base address (`http://127.0.0.1:12345/v1`), or in a test with

    async with ModelServer(rules=[Rule("status", kind="quiz", status=500, times=1)]) as server:
        ... server.base_url, server.ledger, server.rules ...

`POST /control` takes `{"rules": [{"behaviour": "hang", "title": "Ownership", "times": 1}],
"reset": true}` (reset empties the ledger and the rules first), `GET /ledger` and `GET /stats`
tell what happened. The first rule that matches a request and is not used up decides.

Behaviours: `ok`, `latency` (seconds), `status` (status, retry_after, body), `hang`, `trickle`,
`disconnect`, `cut` (in mid-body), `truncated`, `fenced`, `prose`, `thinking`, `garbage`,
`wrong_shape`, `empty`, `refusal`, `content_filter`, `huge`, `nul`, `nested`, `html`, `not_json`,
`no_choices`, `error_in_200`, `says` (body is the content, with GOOD for the good answer in it),
`choice` (body is a completion's choice as JSON, with GOOD inside its texts); in streams also
`no_done`, `no_end`, `stream_cut`, `endless`, `stalls`, `garbage_lines`, `error_in_stream`,
`refused_in_stream`, `late_close`, `json_as_stream`; and `bad`, the reply of
`tests/bad_replies.py` that the digits in the concept's title name. Some requests are refused by
what the server `refuses`, before any rule.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bad_replies import bad_reply
from tests.model_answers import About, good_answer
from tests.model_rules import Entry, Rule
from tests.model_wire import (
    BODIES,
    LONG_HEAD,
    REFUSALS,
    STREAM_FAULTS,
    asked_for,
    choice_of,
    completion,
    scripted,
    send,
    send_stream,
    trickle,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self


@dataclass
class ModelServer:
    """The server; an asynchronous context manager that listens on a free port."""

    rules: list[Rule] = field(default_factory=list)
    latency_s: float = 0.0
    stages: int = 2
    modules: int = 2
    concepts: int = 2
    refuses: set[str] = field(default_factory=set)
    """What requests are refused for: names of `REFUSALS`."""
    ignores: set[str] = field(default_factory=set)
    """Of `stream` and `stream_options`, what is overlooked without a word."""
    ledger_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    ledger: list[Entry] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests, for tests that look at what was sent."""
    headers: list[dict[str, str]] = field(default_factory=list)
    in_flight: int = 0
    """Requests whose answer has not begun: who has an answer may have asked anew by then."""
    peak: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        """Prepare what belongs to the running server."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()

    @property
    def base_url(self) -> str:
        """The address for LLM_BASE_URL."""
        return f"http://{self.host}:{self.port}/v1"

    async def __aenter__(self) -> Self:
        """Start to listen."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Cut every connection and stop."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        while self.connections:
            await self._next_change()
        if self._server is not None:
            await self._server.wait_closed()

    def outcomes(self, kind: str | None = None) -> list[str]:
        """Return the outcomes in the ledger, of one kind of call or of all."""
        return [entry.outcome for entry in self.ledger if kind in {None, entry.kind}]

    async def until(self, *, connections: int | None = None, in_flight: int | None = None) -> None:
        """Wait until so many connections are open, or so many requests are being worked on."""
        while (connections is not None and self.connections != connections) or (
            in_flight is not None and self.in_flight != in_flight
        ):
            await self._next_change()

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        self._changed.set()
        gone = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        try:
            with contextlib.suppress(*gone):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()
            self.connections -= 1
            self._changed.set()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if path.partition("?")[0].endswith("/chat/completions"):
            self.headers.append(headers)
            return await self._complete(json.loads(body), reader, writer)
        status, answer = self._administer(method, path, body)
        await send(writer, status, json.dumps(answer).encode())
        return True

    def _administer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if (method, path) == ("POST", "/control"):
            wanted = json.loads(body)
            if wanted.get("reset"):
                self.rules.clear()
                self.ledger.clear()
                self.requests.clear()
                self.headers.clear()
                self.peak = 0
            self.rules += [Rule(**rule) for rule in wanted.get("rules", [])]
            for name in ("latency_s", "stages", "modules", "concepts"):
                setattr(self, name, wanted.get(name, getattr(self, name)))
            for name in ("refuses", "ignores"):
                setattr(self, name, set(wanted.get(name, getattr(self, name))))
            return 200, {"rules": [asdict(rule) for rule in self.rules]}
        if path == "/ledger":
            return 200, [asdict(entry) for entry in self.ledger]
        if path in {"/stats", "/health", "/"}:
            names = ("connections", "in_flight", "peak", "latency_s")
            return 200, {name: getattr(self, name) for name in names} | {"calls": len(self.ledger)}
        return 404, {"error": {"message": "no such path"}}

    async def _complete(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        self.requests.append(request)
        prompt = "\n".join(message["content"] for message in request["messages"])
        about = About(request, prompt)
        refused = sorted(asked_for(request) & self.refuses)
        matching = (r for r in self.rules if r.matches(about.kind, about.title, about.goal))
        rule = None if refused else next(matching, None)
        if rule is not None and rule.times is not None:
            rule.times -= 1
        entry = Entry(time.time(), about.kind, about.title, about.goal, "in_progress", 0.0, 0)
        self.ledger.append(entry)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        self._changed.set()
        work = asyncio.ensure_future(
            self._refuse(refused[0], writer, entry)
            if refused
            else self._answer(rule, about, writer, entry)
        )
        # A request's end is also noticed while it hangs: nothing else is sent on this connection.
        watch = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return False
            work.result()
            return not writer.is_closing() and not watch.done()
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.wait({work, watch})
            if entry.outcome == "in_progress":
                self._note(entry, "client_gone")

    def _note(self, entry: Entry, outcome: str) -> None:
        """Complete the entry; called before an answer is sent, so whoever has it can look."""
        self.in_flight -= 1
        self._changed.set()
        entry.outcome = outcome
        entry.seconds = round(time.time() - entry.at, 4)
        if self.ledger_file is not None:
            with self.ledger_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")

    async def _refuse(self, name: str, writer: asyncio.StreamWriter, entry: Entry) -> None:
        """Refuse a request because of one thing in it."""
        status, body = REFUSALS[name]
        self._note(entry, f"refused_{name}")
        await send(writer, status, json.dumps(body).encode())

    async def _answer(
        self, rule: Rule | None, about: About, writer: asyncio.StreamWriter, entry: Entry
    ) -> None:
        rule = rule or Rule("ok")
        behaviour = rule.behaviour
        await asyncio.sleep(rule.seconds if behaviour == "latency" else self.latency_s)
        match behaviour:
            case "hang":
                await asyncio.Event().wait()
            case "trickle":
                await trickle(writer)
            case "disconnect" | "cut":
                self._note(entry, behaviour)
                await _break_off(writer, b'{"choices": [' if behaviour == "cut" else None)
            case "status":
                self._note(entry, f"status_{rule.status}")
                await _send_status(writer, rule)
            case "not_json" | "no_choices" | "error_in_200":
                self._note(entry, behaviour)
                await send(writer, 200, BODIES[behaviour])
            case "bad":
                await self._misbehave(rule, about, writer, entry)
            case _:
                good = json.dumps(self._value(about), ensure_ascii=False)
                entry.tokens = (len(about.prompt) + len(good)) // 4
                if behaviour not in STREAM_FAULTS:
                    self._note(entry, behaviour)
                choice = scripted(behaviour, rule.body, good) or choice_of(behaviour, good)
                await self._complete_with(choice, about, writer, entry, rule)
                if behaviour in STREAM_FAULTS:
                    self._note(entry, behaviour)

    async def _complete_with(
        self,
        choice: dict[str, Any],
        about: About,
        writer: asyncio.StreamWriter,
        entry: Entry,
        rule: Rule,
    ) -> None:
        if not about.streamed or "stream" in self.ignores:
            await send(writer, 200, completion(choice, entry.tokens))
            return
        await send_stream(
            writer,
            choice,
            fault=rule.behaviour,
            pieces=rule.pieces,
            pause_s=rule.seconds,
            tokens=entry.tokens
            if about.wants_usage and "stream_options" not in self.ignores
            else None,
        )

    async def _misbehave(
        self, rule: Rule, about: About, writer: asyncio.StreamWriter, entry: Entry
    ) -> None:
        number = int(re.sub(r"\D", "", about.title) or 0)
        reply = bad_reply(number, json.dumps(self._value(about)))
        self._note(entry, f"bad_{reply.code}")
        if reply.cut:
            await _break_off(writer, reply.body)
        elif reply.choice is not None:
            await self._complete_with(reply.choice, about, writer, entry, rule)
        else:
            await send(writer, reply.status, reply.body)

    def _value(self, about: About) -> Any:
        return good_answer(about, stages=self.stages, modules=self.modules, concepts=self.concepts)


async def _break_off(writer: asyncio.StreamWriter, begun: bytes | None) -> None:
    if begun is not None:
        writer.write(LONG_HEAD + begun)
        await writer.drain()
    writer.transport.close()


async def _send_status(writer: asyncio.StreamWriter, rule: Rule) -> None:
    message = {"error": {"message": f"scripted {rule.status}", "code": None}}
    body = rule.body if rule.body is not None else json.dumps(message)
    more = {} if rule.retry_after is None else {"Retry-After": rule.retry_after}
    await send(writer, rule.status, body.encode(), more=more)


async def _run(options: argparse.Namespace) -> None:
    server = ModelServer(
        rules=[Rule(**rule) for rule in json.loads(options.rules)],
        latency_s=options.latency,
        stages=options.stages,
        modules=options.modules,
        concepts=options.concepts,
        ledger_file=options.ledger,
        host=options.host,
        port=options.port,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        sys.stdout.write(server.base_url + "\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: Iterable[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A scripted language model for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, help="file to append JSON lines to")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per answer")
    parser.add_argument("--stages", type=int, default=2)
    parser.add_argument("--modules", type=int, default=2)
    parser.add_argument("--concepts", type=int, default=2)
    parser.add_argument("--rules", default="[]", help="JSON list of rules")
    asyncio.run(_run(parser.parse_args(None if arguments is None else list(arguments))))


if __name__ == "__main__":
    main()
