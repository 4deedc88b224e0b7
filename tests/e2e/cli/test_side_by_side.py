"""Two stacks of one user on one machine and one Redis, and what hostile text does in them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
import redis
from typer.testing import CliRunner

from cli.main import app
from core.given import PREFIX
from core.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result

    from tests.e2e.conftest import RunningStack

COMMAND = Path(__file__).parents[3] / ".venv/bin/roadmap"
OTHER = "other:"
CANARY = (
    "Learn\x1b[31m \x1b]0;owned\x07 \x9b2J [red]Rust[/red] \u202eevil\u2066 a\u200bb \U000e0041"
    "\nready http://forged:1\rx\u2028forged [link=http://a]b[/link] <script>alert(1)</script>"
)


@pytest.fixture(scope="module")
def stacks(
    start_stack: Callable[..., RunningStack], tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunningStack, RunningStack]:
    """Two stacks; the second one uses the first one's Redis, and its database 0, under a prefix."""
    folder = tmp_path_factory.mktemp("side by side")
    first = start_stack(folder / "first", "--no-beat", SAMPLE_LATENCY_S="0")
    (folder / "second").mkdir(mode=0o700)  # with a database from nothing: its passwords are its own
    second = start_stack(
        folder / "second",
        "--no-beat",
        "--no-flower",
        SAMPLE_LATENCY_S="0",
        REDIS_URL=first.info["redis_url"],
        REDIS_PREFIX=OTHER,
    )
    return first, second


def roadmap(stack: RunningStack, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command on a stack, away from a terminal."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    return subprocess.run(
        [str(COMMAND), *words, "--data-dir", str(stack.folder)],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
        **more,
    )


def here(stack: RunningStack, *words: str) -> Result:
    """Run a command that asks the API in this process, which saves its start."""
    return CliRunner().invoke(app, [*words, "--data-dir", str(stack.folder)])


@pytest.fixture(scope="module")
def made(stacks: tuple[RunningStack, RunningStack]) -> Iterator[dict[str, Any]]:
    """A finished roadmap of each stack, and every channel that was heard meanwhile."""
    first, second = stacks
    client = redis.Redis.from_url(first.info["redis_url"])
    heard: Any = client.pubsub()  # type: ignore[no-untyped-call]
    heard.psubscribe("*")
    tasks = []
    for stack, goal in ((first, CANARY), (second, "Learn chess")):
        with stack.client() as api:
            accepted = api.post("/api/v1/tasks", json={"goal": goal, "review": False})
            assert accepted.status_code == 202, accepted.text
            tasks.append(accepted.json()["task_id"])
    for stack, task in zip(stacks, tasks, strict=True):
        assert roadmap(stack, "watch", task).returncode == 0
    channels = set()
    while message := heard.get_message(timeout=0.5):
        channels.add(message["channel"].decode(errors="replace"))
    heard.close()
    yield {"tasks": tasks, "channels": channels, "keys": set(client.keys("*"))}
    client.close()


def test_neither_hears_or_lists_what_is_the_others(
    stacks: tuple[RunningStack, RunningStack],
    made: dict[str, Any],
    settings_env: pytest.MonkeyPatch,
) -> None:
    """Tasks, channels, keys and remote control of each are its own."""
    assert settings_env
    ours, theirs = made["tasks"]
    for stack, mine, other in ((stacks[0], ours, theirs), (stacks[1], theirs, ours)):
        listed = json.loads(here(stack, "list", "--json").stdout)["tasks"]
        assert [task["task_id"] for task in listed] == [mine]
        assert here(stack, "show", other).exit_code == 2
        assert here(stack, "show", mine[-8:]).exit_code == 0
    assert {f"task_progress:{ours}", "notifications:local"} <= made["channels"]
    assert {f"{OTHER}task_progress:{theirs}", f"{OTHER}notifications:local"} <= made["channels"]
    assert not {f"task_progress:{theirs}", f"{OTHER}task_progress:{ours}"} & made["channels"]
    assert {key.startswith(OTHER.encode()) for key in made["keys"]} == {True, False}
    answering = []
    for stack in stacks:
        findings = json.loads(roadmap(stack, "doctor", "--json").stdout)["required"]
        answering += [found["message"] for found in findings if found["name"] == "workers"]
    assert answering[0] != answering[1]
    assert all(re.fullmatch(r"worker1[-0-9a-f]*@\S+", names) for names in answering), answering


def test_a_probe_looks_at_its_own_stack_and_sees_a_frozen_worker(
    stacks: tuple[RunningStack, RunningStack], made: dict[str, Any]
) -> None:
    """While one stack's worker stands still its probe is red, and the other's is green."""
    assert made
    first, second = stacks
    [worker] = first.info["pids"]["workers"]
    assert roadmap(first, "probe", "worker").returncode == 0
    os.kill(worker, signal.SIGSTOP)
    try:
        frozen = roadmap(first, "probe", "worker", "--timeout", "2")
        assert frozen.returncode == 1
        assert "frozen" in frozen.stdout
        assert roadmap(second, "probe", "worker").returncode == 0
    finally:
        os.kill(worker, signal.SIGCONT)


def test_sql_reaches_the_right_database(
    stacks: tuple[RunningStack, RunningStack], made: dict[str, Any]
) -> None:
    """`db shell` asks the stack's own server, shows what is safe to show, and changes nothing."""
    for stack, task in zip(stacks, made["tasks"], strict=True):
        found = roadmap(stack, "db", "shell", "-c", "SELECT task_id, goal FROM roadmap_tasks")
        assert found.returncode == 0, found.stderr
        assert task in found.stdout
        assert visible(found.stdout) == found.stdout
        ids = ("--json", "-c", "SELECT task_id FROM roadmap_tasks")
        rows = json.loads(roadmap(stack, "db", "shell", *ids).stdout)
        assert rows["rows"] == [{"task_id": task}]
    for options in ((), ("--json",)):
        for words, given in (
            (["-c", "DELETE FROM task_events"], None),
            ([], "DELETE FROM task_events;\n"),
        ):
            refused = roadmap(stacks[0], "db", "shell", *options, *words, input=given)
            assert refused.returncode == 1
            assert "read-only" in refused.stderr
            assert "give --write" in refused.stderr
    several = roadmap(stacks[0], "db", "shell", "--json", input="SELECT 1 AS a;\nSELECT\n2 AS b;")
    assert [json.loads(line)["rows"] for line in several.stdout.splitlines()] == [
        [{"a": 1}],
        [{"b": 2}],
    ]


def test_hostile_text_acts_nowhere(
    stacks: tuple[RunningStack, RunningStack],
    made: dict[str, Any],
    settings_env: pytest.MonkeyPatch,
) -> None:
    """A goal full of controls, bidi and markup is text in every command, log, page and figure."""
    first, task = stacks[0], made["tasks"][0]
    assert settings_env
    lines = [
        ("list",), ("show", task), ("watch", task), ("show", task, "--timeline"), ("redis",),
        ("retry", task), ("queue", "rejected"), ("schedule", "list"),
    ]  # fmt: skip
    for words in [*lines, *((*words, "--json") for words in lines)]:
        said = here(first, *words)
        for output in (said.stdout, said.stderr):
            assert visible(output) == output, words
            assert "ready http://forged:1" not in output.splitlines()
    for words in (("db", "check"), ("doctor",)):
        told = roadmap(first, *words)
        for output in (told.stdout, told.stderr):
            assert visible(output) == output, words
            assert "ready http://forged:1" not in output.splitlines()
    api = first.client()
    for path in ("/metrics", "/health", f"/?task={task}", "/api/v1/admin/redis"):
        text = api.get(path).text
        assert visible(text) == text, path
    answer = api.get("/api/v1/tasks", params={"limit": 1, "status": "completed"})
    for value in answer.headers.values():
        assert visible(value) == value
    page = api.get(f"/api/v1/tasks/{task}")
    assert page.json()["goal"].startswith("Learn\x1b[31m")
    api.close()
    flower = (first.folder / "flower_auth").read_text().strip().split(":", 1)
    shown = api_text(first.info["flower_url"] + f"/task/{task}", (flower[0], flower[1]))
    assert visible(shown) == shown
    assert "<script>alert(1)" not in shown
    for log in [*(first.folder / "logs").glob("*.log"), first.folder.parent / "first.log"]:
        text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))
        assert visible(text) == text, log.name


def api_text(url: str, auth: tuple[str, str]) -> str:
    """Return a page that asks for a password."""
    return httpx.get(url, auth=auth, timeout=30).text


def test_a_database_that_stands_still_is_named_within_seconds(
    stacks: tuple[RunningStack, RunningStack], made: dict[str, Any]
) -> None:
    """A command does not wait for a frozen PostgreSQL: it says what does not answer, and ends."""
    assert made
    second = stacks[1]
    server = psutil.Process(second.info["pids"]["postgres"])
    stopped = [server, *server.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        began = time.monotonic()
        said = roadmap(second, "list")
        took = time.monotonic() - began
    finally:
        for process in stopped:
            process.resume()
    assert said.returncode == 4
    assert "PostgreSQL is down, or stands still" in said.stderr
    assert took < 12
