"""A small API of scripted answers, and a runner for commands."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlparse

import pytest
from typer.testing import CliRunner

from cli.main import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

TASK = "01990000-0000-7000-8000-000000000000"
ROADMAP = "01990000-0000-7000-8000-00000000000a"
STARTED = "2026-11-22T10:00:00.000Z"


def make_event(seq: int, kind: str, **values: Any) -> dict[str, Any]:
    """Return an event as the API sends it."""
    at = values.pop("at", f"2026-11-22T10:00:{seq % 60:02d}.000Z")
    return {
        "seq": seq,
        "task_id": TASK,
        "type": kind,
        "at": at,
        "status": values.pop("status", "processing"),
        "current_step": values.pop("current_step", "content_generation"),
        "message": values.pop("message", kind.replace("_", " ")),
        "progress": values.pop("progress", {"done": 0, "total": 0, "percent": 1.0}),
        "data": values.pop("data", {}),
    }


def make_roadmap() -> dict[str, Any]:
    """Return a roadmap with two modules of two concepts, the last quiz failed."""
    number = 0

    def concept(title: str, *, failed: bool = False) -> dict[str, Any]:
        nonlocal number
        number += 1
        done = {"status": "completed", "version": 1, "error": None}
        bad = {"status": "failed", "version": 1, "error": {"code": "content_refused"}}
        return {
            "concept_id": f"01990000-0000-7000-8000-0000000000c{number}",
            "title": title,
            "description": "",
            "estimated_hours": 2.0,
            "difficulty": "beginner",
            "prerequisites": [],
            "contents": {"tutorial": done, "resources": done, "quiz": bad if failed else done},
        }

    modules = [
        {
            "module_id": "01990000-0000-7000-8000-0000000000b1",
            "title": "Basics",
            "concepts": [concept("Ownership"), concept("Borrowing")],
        },
        {
            "module_id": "01990000-0000-7000-8000-0000000000b2",
            "title": "Types",
            "concepts": [concept("Structs"), concept("Enums", failed=True)],
        },
    ]
    stage = {
        "stage_id": "01990000-0000-7000-8000-0000000000a1",
        "title": "Start",
        "modules": modules,
    }
    return {
        "roadmap_id": ROADMAP,
        "task_id": TASK,
        "title": "Rust",
        "summary": "",
        "version": 3,
        "stages": [stage],
    }


def make_job(name: str) -> dict[str, Any]:
    """Return a maintenance job that ran."""
    return {
        "name": name,
        "interval_s": 3600.0,
        "paused": False,
        "next_run_at": STARTED,
        "last_run_at": STARTED,
        "duration_s": 0.25,
        "outcome": {"tasks_removed": 3, "events_removed": 4711, "notifications_removed": 12},
    }


def make_rejected(text: str) -> dict[str, Any]:
    """Return a message that was set aside, every part of it a text."""
    message = {"reason": "malformed", "detail": text, "size": 4711, "queue": text, "worker": text}
    return {
        "total": 1,
        "kept": 1,
        "counts": [{"reason": "malformed", "messages": 1, "last_at": STARTED}],
        "rejected": [message | {"excerpt": text, "at": STARTED}],
    }


def make_concept(text: str) -> dict[str, Any]:
    """Return a concept whose contents all hold a text."""
    question = {"question": text, "options": [text, "b"], "correct": [0], "explanation": text}
    question["kind"] = "single"
    resource = {"title": text, "url": "https://example.org/a", "why": text, "type": "page"}
    concept: dict[str, Any] = make_roadmap()["stages"][0]["modules"][0]["concepts"][0]
    return concept | {
        "title": text,
        "tutorial": {"markdown": f"# {text}\n\n{text}", "html": "", "version": 1},
        "resources": [resource | {"language": "en", "verified": True}],
        "quiz": {"questions": [question]},
    }


def make_usage() -> dict[str, Any]:
    """Return what the task cost: 15 calls, a price that is known."""
    counts = {"calls": 15, "tokens": 4321, "prompt_tokens": 3000, "completion_tokens": 1321}
    return counts | {"cost": 0.0123}


@dataclass
class FakeApi:
    """What the API knows, how it misbehaves, and what it was asked."""

    status: str = "completed"
    roadmap_id: str | None = ROADMAP
    error: dict[str, Any] | None = None
    goal: str = "Learn Rust"
    events: list[dict[str, Any]] = field(default_factory=list)
    review: dict[str, Any] | None = None
    known: bool = True
    cuts: list[int] = field(default_factory=list)
    """For each stream in turn: events to send before the connection is cut; then none are."""
    stream_status: int | None = None
    """Answer streams with this instead of events."""
    dies_after: int | None = None
    """Answer 503 to everything once this many events were streamed."""
    postgresql: str = "down"
    """What the API then says of PostgreSQL."""
    asked: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    problem: dict[str, Any] | None = None
    """Answer everything with this problem."""
    refuses: list[str] = field(default_factory=list)
    """What is said of the next decisions, which are not taken."""
    url: str = ""
    quiet_s: float = 0
    """How long nothing is said before the last event, once."""
    line: dict[str, Any] | None = None
    took_s: float | None = None
    user: str = "local"
    """Whom the token speaks for."""
    owner: str = "local"
    """Whose the task is."""
    others: list[str] = field(default_factory=list)
    """The ends of the ids of further tasks."""

    def tasks(self) -> list[dict[str, Any]]:
        """Return the task, and others whose ids begin as its own."""
        others = [self.task() | {"task_id": f"{TASK[: -len(end)]}{end}"} for end in self.others]
        return [self.task(), *others]

    def task(self) -> dict[str, Any]:
        """Return the task."""
        return {
            "task_id": TASK,
            "user_id": self.owner,
            "goal": self.goal,
            "title": "Rust: from the first program on" if self.goal.strip() else "(no goal)",
            "status": self.status,
            "current_step": "completed",
            "roadmap_id": self.roadmap_id,
            "error": self.error,
            "progress": {"done": 11, "total": 12, "percent": 99.0},
            "usage": make_usage(),
            "last_seq": len(self.events),
            "created_at": STARTED,
            "line": self.line,
            "took_s": self.took_s,
        }


class Handler(BaseHTTPRequestHandler):
    """Answers as the fake API says."""

    protocol_version = "HTTP/1.1"
    api: FakeApi
    query = ""

    def log_message(self, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        """Answer a read."""
        self._note()
        parts = urlparse(self.path)
        if self.api.problem is not None:
            self._json(self.api.problem["status"], {"type": "x", "title": "P"} | self.api.problem)
            return
        if self.api.dies_after == 0:
            if parts.path == "/readyz":
                said = {
                    "postgresql": self.api.postgresql,
                    "redis": "up",
                    "effects": ["Reads fail."],
                }
                self._json(503, said)
            else:
                self._problem(503)
            return
        path = parts.path.removeprefix("/api/v1")
        self.query = parts.query
        after = int(parse_qs(parts.query).get("after", ["0"])[0])
        if path.endswith("/stream"):
            self._stream(after)
            return
        found = self._found(path, after)
        if found is None:
            self._problem(404)
        else:
            self._json(200, found)

    def _found(self, path: str, after: int) -> dict[str, Any] | None:
        """Return what is at a path, None when nothing is."""
        fixed = self._fixed(path)
        if fixed is not None:
            return fixed
        if path.endswith("/events"):
            events = [event for event in self.api.events if event["seq"] > after]
            return {"events": events, "next_after": after + len(events)}
        if path.endswith("/usage"):
            step = {"step": "roadmap_edit", "round": 2} | make_usage() | {"cost": None}
            usage = {"total": make_usage(), "token_limit": 5000, "steps": [step]}
            return usage | {"task_id": TASK}
        if path.endswith("/review"):
            return self.api.review
        if path == "/tasks":
            part = parse_qs(self.query).get("id", [""])[0]
            found = [task for task in self.api.tasks() if task["task_id"].endswith(part)]
            return {"tasks": found, "next_cursor": None if part else "next-page"}
        if path.startswith("/tasks/"):
            return self.api.task() if self.api.known else None
        return None

    def _fixed(self, path: str) -> dict[str, Any] | None:
        """Return what is always the same."""
        if path == "/session":
            return {"user_id": self.api.user, "admin": True, "signed_in_by": "token"}
        if path == "/admin/schedules":
            return {"schedules": [make_job("purge"), make_job("recover")]}
        if path == "/admin/queue/rejected":
            return make_rejected(self.api.goal)
        if path == "/admin/redis":
            return {"channels": {f"task_progress:{TASK}": 2}, "advice": ["Nothing to do."]}
        if path.startswith("/roadmaps/") and "/concepts/" in path:
            return make_concept(self.api.goal)
        if path.startswith("/roadmaps/") and path.endswith(ROADMAP):
            return make_roadmap() | {"title": self.api.goal, "summary": self.api.goal}
        return None

    def do_POST(self) -> None:
        """Answer a write."""
        self._note()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.api.bodies.append(json.loads(body or b"{}"))
        if self.api.problem is not None:
            self._json(self.api.problem["status"], {"type": "x", "title": "P"} | self.api.problem)
            return
        if not self.api.known:
            self._problem(404)
            return
        if "/admin/schedules/" in self.path:
            self._json(200, make_job("purge"))
            return
        if self.path.endswith("/review") and self.api.refuses:
            self._json(422, {"type": "x", "status": 422, "detail": self.api.refuses.pop(0)})
            return
        if self.path.endswith("/review"):
            decision = self.api.bodies[-1]["decision"]
            self.api.review = None
            self.api.events.append(
                make_event(len(self.api.events) + 1, "review_decided", data={"decision": decision})
            )
            self.api.events.append(
                make_event(len(self.api.events) + 1, "task_completed", status="completed")
            )
            self.api.status = "completed"
        self._json(202, self.api.task())

    def _note(self) -> None:
        self.api.asked.append(f"{self.command} {self.path}")
        self.api.headers.append(dict(self.headers.items()))

    def _stream(self, after: int) -> None:
        if self.api.stream_status is not None:
            self._problem(self.api.stream_status)
            return
        events = [event for event in self.api.events if event["seq"] > after]
        if not events and self.api.status != "human_review_pending":
            self.send_response(204)
            self.end_headers()
            return
        cut = self.api.cuts.pop(0) if self.api.cuts else len(events)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"retry: 2000\n\n: ping\n\n")
        for event in events[:cut]:
            if event is events[-1]:
                quiet_s, self.api.quiet_s = self.api.quiet_s, 0
                time.sleep(quiet_s)
            frame = f"event: {event['type']}\ndata: {json.dumps(event)}\nid: {event['seq']}\n\n"
            self.wfile.write(frame.encode())
            if self.api.dies_after:
                self.api.dies_after -= 1
        self.close_connection = True

    def _json(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _problem(self, status: int) -> None:
        self._json(status, {"type": "x", "title": "Problem", "status": status, "detail": "No."})


@pytest.fixture
def no_settings(
    monkeypatch: pytest.MonkeyPatch, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    """No settings at all: neither in the environment nor in a `.env` of the working folder."""
    monkeypatch.chdir(tmp_path)
    settings_env.delenv("ROADMAP_SAMPLE_LATENCY_S")
    return settings_env


@pytest.fixture
def api(no_settings: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """A running fake API that the environment names."""
    fake = FakeApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"api": fake}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    no_settings.setenv("ROADMAP_API_URL", fake.url)
    no_settings.setenv("ROADMAP_TOKEN", "token-of-the-environment")
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(name="make_event")
def event_maker() -> Callable[..., dict[str, Any]]:
    """Make an event as the API sends it."""
    return make_event


@pytest.fixture(name="make_roadmap")
def roadmap_maker() -> Callable[[], dict[str, Any]]:
    """Make a roadmap as the API sends it."""
    return make_roadmap


@pytest.fixture
def roadmap(no_settings: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command with some arguments."""

    def run(*args: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(args), input=stdin)

    return run
