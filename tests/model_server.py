"""A language model for tests: an OpenAI-compatible HTTP server that does what it is told.

It answers any JSON Schema, knows the kinds of calls of this project so that its answers are
sensible, keeps a ledger, and misbehaves by rules. Run it by itself with

    python tests/model_server.py --port 0 --ledger ledger.jsonl

which prints its base address (`http://127.0.0.1:12345/v1`), or in a test with

    async with ModelServer(rules=[Rule("status", kind="quiz", status=500, times=1)]) as server:
        ... server.base_url, server.ledger, server.rules ...

`POST /control` takes `{"rules": [{"behaviour": "hang", "title": "Ownership", "times": 1}],
"reset": true}` (reset empties the ledger and the rules first), `GET /ledger` and `GET /stats`
tell what happened. The first rule that matches a request and is not used up decides.

Behaviours: `ok`, `latency` (seconds), `status` (status, retry_after, body), `hang`, `trickle`,
`disconnect`, `cut` (in mid-body), `truncated`, `fenced`, `prose`, `garbage`, `wrong_shape`,
`empty`, `refusal`, `content_filter`, `huge`, `nul`, `nested`, `html`, `not_json`, `no_choices`,
`error_in_200`.
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

_REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_BODIES = {
    "not_json": b"<html>starting</html>",
    "no_choices": b'{"id": "x", "choices": []}',
    "error_in_200": b'{"error": {"message": "overloaded", "code": 502}}',
}
_LONG_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
_HTML = '<script>alert("x")</script><img src=x onerror=alert(1)> [link](javascript:alert(1)) '


@dataclass
class Rule:
    """What to do with requests that match; `times` bounds how often, None is always."""

    behaviour: str
    kind: str | None = None
    title: str | None = None
    """Regular expression for the concept's title."""
    goal: str | None = None
    """Regular expression for the learner's goal."""
    times: int | None = None
    status: int = 500
    retry_after: str | None = None
    body: str | None = None
    seconds: float = 0.0

    def matches(self, kind: str, title: str, goal: str) -> bool:
        """Tell whether the rule is for such a request."""
        return (
            self.times != 0
            and self.kind in {None, kind}
            and (self.title is None or re.search(self.title, title) is not None)
            and (self.goal is None or re.search(self.goal, goal) is not None)
        )


@dataclass
class Entry:
    """One request in the ledger."""

    at: float
    """Unix time when the request had arrived."""
    kind: str
    title: str
    goal: str
    outcome: str
    """The behaviour, `status_429` for a status, `client_gone` when nobody waited for it, and
    `in_progress` until it is decided."""
    seconds: float
    tokens: int


@dataclass
class ModelServer:
    """The server; an asynchronous context manager that listens on a free port."""

    rules: list[Rule] = field(default_factory=list)
    latency_s: float = 0.0
    stages: int = 2
    modules: int = 2
    concepts: int = 2
    ledger_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    ledger: list[Entry] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests, for tests that look at what was sent."""
    headers: list[dict[str, str]] = field(default_factory=list)
    in_flight: int = 0
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

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        if path.endswith("/chat/completions"):
            self.headers.append(headers)
            return await self._complete(json.loads(body), reader, writer)
        status, answer = self._administer(method, path, body)
        await _send(writer, status, json.dumps(answer).encode())
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
        about = _About(request, prompt)
        rule = next((r for r in self.rules if r.matches(about.kind, about.title, about.goal)), None)
        if rule is not None and rule.times is not None:
            rule.times -= 1
        entry = Entry(time.time(), about.kind, about.title, about.goal, "in_progress", 0.0, 0)
        self.ledger.append(entry)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        self._changed.set()
        work = asyncio.ensure_future(self._answer(rule, about, writer, entry))
        # A request's end is also noticed while it hangs: nothing else is sent on this connection.
        watch = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return False
            work.result()
            return entry.outcome not in {"disconnect", "cut"} and not watch.done()
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.wait({work, watch})
            if entry.outcome == "in_progress":
                self._note(entry, "client_gone")
            self.in_flight -= 1
            self._changed.set()

    def _note(self, entry: Entry, outcome: str) -> None:
        """Complete the entry; called before an answer is sent, so whoever has it can look."""
        entry.outcome = outcome
        entry.seconds = round(time.time() - entry.at, 4)
        if self.ledger_file is not None:
            with self.ledger_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")

    async def _answer(
        self, rule: Rule | None, about: _About, writer: asyncio.StreamWriter, entry: Entry
    ) -> None:
        rule = rule or Rule("ok")
        behaviour = rule.behaviour
        await asyncio.sleep(rule.seconds if behaviour == "latency" else self.latency_s)
        match behaviour:
            case "hang":
                await asyncio.Event().wait()
            case "trickle":
                await _trickle(writer)
            case "disconnect" | "cut":
                self._note(entry, behaviour)
                if behaviour == "cut":
                    writer.write(_LONG_HEAD + b'{"choices": [')
                    await writer.drain()
                writer.transport.close()
            case "status":
                self._note(entry, f"status_{rule.status}")
                await _send_status(writer, rule)
            case "not_json" | "no_choices" | "error_in_200":
                self._note(entry, behaviour)
                await _send(writer, 200, _BODIES[behaviour])
            case _:
                good = json.dumps(self._value(about), ensure_ascii=False)
                entry.tokens = (len(about.prompt) + len(good)) // 4
                self._note(entry, behaviour)
                await _send(writer, 200, _completion(_choice(behaviour, good), entry.tokens))

    def _value(self, about: _About) -> Any:
        if about.kind == "curriculum_design":
            return self._curriculum(about)
        known = _KNOWN.get(about.kind)
        return known(about) if known else _generic(about.schema, about.kind)

    def _curriculum(self, about: _About) -> dict[str, Any]:
        stages = []
        for s in range(1, self.stages + 1):
            modules = []
            for m in range(1, self.modules + 1):
                titles = [f"{about.subject} {s}.{m}.{c}" for c in range(1, self.concepts + 1)]
                concepts = [
                    {
                        "title": title,
                        "description": f"What {title} is about.",
                        "estimated_hours": 2,
                        "difficulty": ("beginner", "intermediate", "advanced")[min(2, s - 1)],
                        "prerequisites": titles[:n][-1:],
                    }
                    for n, title in enumerate(titles)
                ]
                modules.append({"title": f"Module {s}.{m}", "concepts": concepts})
            stages.append({"title": f"Stage {s}", "modules": modules})
        summary = f"A roadmap for {about.subject}."
        return {"title": f"Roadmap: {about.subject}", "summary": summary, "stages": stages}


class _About:
    """What a request is about, read from its schema's name and its prompt's delimiters."""

    def __init__(self, request: dict[str, Any], prompt: str) -> None:
        wanted = request.get("response_format", {}).get("json_schema", {})
        self.kind = str(wanted.get("name", ""))
        self.schema: dict[str, Any] = wanted.get("schema", {})
        self.prompt = prompt
        self.title = self._between("concept")
        self.goal = self._between("goal")
        self.outline = self._between("outline")
        self.feedback = self._between("feedback")
        self.subject = " ".join((self._between("topic") or self.goal or "Topic").split())[:60]

    def _between(self, tag: str) -> str:
        found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", self.prompt, re.DOTALL)
        return found[1].strip() if found else ""


def _intent(about: _About) -> dict[str, Any]:
    topic = about.goal.removeprefix("Learn ").strip()[:100] or "Topic"
    return {
        "topic": topic,
        "summary": f"You will know {topic}.",
        "language": "en",
        "focus_areas": ["Basics", "Practice"],
        "skills": ["Use it"],
        "skill_gaps": ["Terms"],
        "constraints": [],
    }


def _plan(about: _About) -> dict[str, Any]:
    wish = about.feedback[:150] or "Improve it"
    intent = {"action": "add", "target": f"Wish: {wish}"[:200], "instruction": wish}
    return {"summary": wish, "intents": [intent]}


def _edit(about: _About) -> dict[str, Any]:
    modules = re.findall(r"^\s*(M\d+) ", about.outline, re.MULTILINE)
    first = " ".join(about.feedback.split())[:80] or "Addition"
    operation: dict[str, Any] = {
        "op": "add",
        "concept": None,
        "module": modules[-1] if modules else "M1",
        "title": f"Wish: {first}",
        "description": f"Added because of: {first}",
        "estimated_hours": 1,
        "difficulty": "beginner",
        "prerequisites": [],
    }
    return {"summary": f"Added: {first}", "operations": [operation]}


def _tutorial(about: _About) -> dict[str, Any]:
    text = f"# {about.title}\n\nWhat it is.\n\n## Try it\n\n1. Do it.\n2. Look at it.\n"
    return {"markdown": text}


def _resources(about: _About) -> dict[str, Any]:
    rows = [
        {
            "title": f"{about.title}, source {n}",
            "url": f"https://example.org/{n}",
            "type": "article",
            "language": "en",
            "why": "It explains it.",
        }
        for n in range(1, 4)
    ]
    return {"resources": rows}


def _quiz(about: _About) -> dict[str, Any]:
    rows = [
        {
            "question": f"What is {about.title}? ({n})",
            "kind": "single",
            "answers": ["The right answer"],
            "distractors": ["A wrong answer", "Another wrong answer"],
            "explanation": "Because.",
        }
        for n in range(1, 6)
    ]
    return {"questions": rows}


_KNOWN = {
    "intent_analysis": _intent,
    "structure_validation": lambda _about: {"issues": []},
    "edit_plan_analysis": _plan,
    "roadmap_edit": _edit,
    "tutorial": _tutorial,
    "resources": _resources,
    "quiz": _quiz,
}


def _generic(schema: dict[str, Any], name: str) -> Any:
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return _generic(schema["anyOf"][0], name)
    if schema.get("type") == "object":
        return {key: _generic(part, key) for key, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        count = max(1, schema.get("minItems", 1))
        return [_generic(schema.get("items", {}), f"{name} {n}") for n in range(1, count + 1)]
    least = schema.get("minimum", 1)
    plain = {"integer": least, "number": least, "boolean": True, "null": None}
    return plain.get(str(schema.get("type")), f"Some {name}")


def _choice(behaviour: str, good: str) -> dict[str, Any]:
    writers: dict[str, Callable[[str], str | None]] = {
        "truncated": lambda text: text[: len(text) // 2],
        "fenced": lambda text: f"```json\n{text}\n```",
        "prose": lambda text: f"\ufeffSure! Here it is:\n\n{text}\n\nAnything else?",
        "garbage": lambda _: "I had rather talk about the weather.",
        "wrong_shape": lambda _: '{"unexpected": true}',
        "empty": lambda _: None,
        "refusal": lambda _: None,
        "content_filter": lambda _: "",
        "huge": lambda text: text[:-1] + ', "padding": "' + "x" * 5_000_000 + '"}',
        "nul": lambda text: re.sub(r'(": ")', r"\1\\u0000\\ud800", text),
        "nested": lambda _: '{"a":' * 10_000 + "1" + "}" * 10_000,
        "html": _with_html,
    }
    content = writers[behaviour](good) if behaviour in writers else good
    finish = {"truncated": "length", "content_filter": "content_filter"}.get(behaviour, "stop")
    refusal = "I cannot help with that." if behaviour == "refusal" else None
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {"index": 0, "finish_reason": finish, "message": message}


def _with_html(text: str) -> str:
    fields = r'("(?:markdown|title|summary|description|why|question)": ")'
    return re.sub(fields, lambda found: found[1] + json.dumps(_HTML)[1:-1], text)


def _completion(choice: dict[str, Any], tokens: int) -> bytes:
    body = {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 0,
        "model": "test",
        "choices": [choice],
        "usage": {
            "prompt_tokens": tokens // 2,
            "completion_tokens": tokens - tokens // 2,
            "total_tokens": tokens,
        },
    }
    return json.dumps(body).encode()


async def _send_status(writer: asyncio.StreamWriter, rule: Rule) -> None:
    message = {"error": {"message": f"scripted {rule.status}", "code": None}}
    body = rule.body if rule.body is not None else json.dumps(message)
    more = {} if rule.retry_after is None else {"Retry-After": rule.retry_after}
    await _send(writer, rule.status, body.encode(), more=more)


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    *,
    more: dict[str, str] | None = None,
) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(more or {})}
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()


async def _trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(_LONG_HEAD)
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


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
