"""Flower, as an operator uses it: states, arguments, the terminate button, time limits."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from celery import Celery
from playwright.sync_api import sync_playwright

from tests.e2e.faults.whole_set import WHOLE_SET
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

POOLS = ("threads", "prefork")


class Operator:
    """Asks for tasks by the API, and looks at them and at their workers by Flower's."""

    def __init__(self, stack: RunningStack, pool: str) -> None:
        self.pool = pool
        self.api = stack.client()
        self.broker = stack.info["broker_url"]
        user, password = (stack.folder / "flower_auth").read_text().strip().split(":")
        self.login = user, password
        self.flower = httpx.Client(base_url=stack.info["flower_url"], auth=self.login, timeout=20)

    def ask(self, goal: str, *, review: bool = False) -> str:
        """Return a new task's id."""
        answer = self.api.post("/api/v1/tasks", json={"goal": goal, "review": review})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def wait(self, task_id: str, *statuses: str, within_s: float = 40) -> dict[str, Any]:
        """Return the task once it is in one of the statuses."""
        deadline = time.monotonic() + within_s
        task: dict[str, Any] = {}
        while time.monotonic() < deadline:
            task = self.api.get(f"/api/v1/tasks/{task_id}").json()
            if task.get("current_step") and task["status"] in statuses:
                return task
            time.sleep(0.05)
        raise AssertionError(f"{task_id} is {task['status']}/{task.get('current_step')}")

    def delivery(self, delivery: str, *states: str, within_s: float = 15) -> dict[str, Any]:
        """Return what Flower shows of a delivery once it is in one of the states."""
        deadline = time.monotonic() + within_s
        shown: dict[str, Any] = {}
        while time.monotonic() < deadline:
            answer = self.flower.get(f"/api/task/info/{delivery}")
            if answer.status_code == 200:
                shown = answer.json()
                if shown["state"] in states:
                    return shown
            time.sleep(0.05)
        raise AssertionError(f"{delivery} is {shown.get('state')}, not {states}")

    def deliveries(self, task_id: str) -> list[dict[str, Any]]:
        """Return all deliveries of a task, the first one first."""
        tasks: dict[str, dict[str, Any]] = self.flower.get("/api/tasks").json()
        return [tasks[key] for key in sorted(tasks) if key.startswith(task_id)]

    def limit(self, worker: str, **limits: float) -> None:
        """Set the time limits of `roadmap.generate`; none are none."""
        answer = self.flower.post(
            "/api/task/timeout/roadmap.generate", params={"workername": worker, **limits}
        )
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module", params=POOLS)
def operator(
    request: pytest.FixtureRequest,
    start_stack: Callable[..., RunningStack],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    """An operator of a stack of either pool, one after the other."""
    stack = start_stack(
        tmp_path_factory.mktemp(request.param) / "data",
        *("--pool", request.param, "--concurrency", "2", "--no-beat"),
        SAMPLE_LATENCY_S="0.25",
        SAMPLE_FAIL="Borrowing",
    )
    someone = Operator(stack, request.param)
    yield someone
    someone.api.close()
    someone.flower.close()
    assert stack.stop() == 0


def test_it_ends_at_once_while_nobody_answers_it(tmp_path: Path) -> None:
    """Its threads ask workers by the broker; whoever stops a stack does not wait for them."""
    with socket.socket() as silent, socket.socket() as free:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        broker = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        flower = subprocess.Popen(
            [sys.executable, "-P", "-m", "roadmap_start", "flower", f"--port={port}"],
            env={**os.environ, "ROADMAP_REDIS_URL": broker, "ROADMAP_BROKER_URL": broker},
            cwd=tmp_path,
        )
        try:
            silent.settimeout(40)
            with silent.accept()[0]:  # a thread of it waits for an answer from here on
                began = time.monotonic()
                flower.send_signal(signal.SIGTERM)
                assert flower.wait(20) in {0, -signal.SIGTERM}
                assert time.monotonic() - began < 2
        finally:
            flower.kill()
            flower.wait()


def test_everything_but_its_health_is_behind_the_login(operator: Operator) -> None:
    """Without the login Flower tells whether it lives, and nothing of tasks, workers or metrics."""
    flower = str(operator.flower.base_url).rstrip("/")
    assert httpx.get(f"{flower}/healthcheck").status_code == 200
    for path in ("/metrics", "/api/tasks", "/api/workers", "/workers", "/tasks", "/broker", "/"):
        for login in (None, ("admin", "wrong")):
            assert httpx.get(f"{flower}{path}", auth=login).status_code == 401, path
    assert "flower_" in operator.flower.get("/metrics").text


def test_states_and_arguments(operator: Operator) -> None:
    """A task waits visibly for its review, goes on visibly, and ends under our own name for it."""
    task_id = operator.ask("Learn Rust", review=True)
    waiting = operator.delivery(task_id, "WAITING_FOR_REVIEW", within_s=40)
    assert waiting["name"] == "roadmap.generate"
    assert waiting["uuid"] == task_id
    assert waiting["kwargs"] == f"{{'task_id': '{task_id}'}}"
    assert operator.wait(task_id, "human_review_pending")["current_step"] == "human_review"
    decided = operator.api.post(f"/api/v1/tasks/{task_id}/review", json={"decision": "approve"})
    assert decided.status_code == 202
    operator.delivery(task_id, "RESUMED")
    operator.wait(task_id, "partial_failure")
    operator.delivery(task_id, "PARTIAL_FAILURE")
    first, second = operator.deliveries(task_id)
    assert (first["name"], second["name"]) == ("roadmap.generate", "roadmap.resume")
    assert second["state"] == "PARTIAL_FAILURE"
    assert second["uuid"].startswith(f"{task_id}.")


def test_the_page_shows_them(operator: Operator, tmp_path: Path) -> None:
    """Flower's page lists the task under its name, id and our state, in a real browser.

    `FLOWER_PICTURE=docs/images/flower.png` keeps the picture.
    """
    if operator.pool != "threads":
        pytest.skip("the page is the same whatever the pool")
    task_id = operator.ask("Learn SQL", review=True)
    operator.delivery(task_id, "WAITING_FOR_REVIEW", within_s=40)
    chromium = need_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        user, password = operator.login
        page = browser.new_page(
            http_credentials={"username": user, "password": password},
            viewport={"width": 1400, "height": 420},
        )
        page.goto(f"{operator.flower.base_url}/tasks?limit=10", timeout=60_000)
        row = page.locator("tr", has_text=task_id)
        row.wait_for(timeout=30_000)
        shown = row.inner_text()
        page.screenshot(path=os.environ.get("FLOWER_PICTURE", str(tmp_path / "flower.png")))
        browser.close()
    assert "roadmap.generate" in shown
    assert "WAITING_FOR_REVIEW" in shown


def test_terminate_cancels_the_workflow(operator: Operator) -> None:
    """The button ends a running workflow: our status is cancelled, nothing is written after it."""
    task_id = operator.ask("Learn chess")
    task = operator.wait(task_id, "processing")
    revoked = operator.flower.post(f"/api/task/revoke/{task_id}", params={"terminate": "true"})
    assert revoked.status_code == 200, revoked.text
    task = operator.wait(task_id, "cancelled", within_s=5)
    operator.delivery(task_id, "CANCELLED", "REVOKED")
    last = _events(operator, task_id)
    assert last[-1]["type"] == "task_cancelled"
    after = operator.ask("Learn SQL")  # the worker works on
    operator.wait(after, "completed")
    assert _events(operator, task_id) == last
    assert operator.api.get(f"/api/v1/tasks/{task_id}").json() == task


@pytest.mark.parametrize("terminate", ["false", "true"])
def test_revoke_cancels_what_waits_or_runs(operator: Operator, terminate: str) -> None:
    """Revoke and terminate cancel a task that is queued, running or waiting for its review."""
    reviewed = operator.ask("Learn SQL", review=True)
    operator.wait(reviewed, "human_review_pending")
    running = [operator.ask(goal) for goal in ("Learn chess", "Learn the guitar")]
    for task_id in running:
        operator.wait(task_id, "processing")
    queued = operator.ask("Learn Rust")
    assert operator.wait(queued, "pending")["current_step"] == "queued"
    revoked = (queued, *running, reviewed)  # those that run are over in a second or two
    for task_id in revoked:
        operator.flower.post(f"/api/task/revoke/{task_id}", params={"terminate": terminate})
    for task_id in revoked:
        operator.wait(task_id, "cancelled", within_s=5)
    operator.delivery(reviewed, "CANCELLED", "REVOKED")
    decided = operator.api.post(f"/api/v1/tasks/{reviewed}/review", json={"decision": "approve"})
    assert decided.status_code == 409


@pytest.mark.parametrize("how", ["by name", "by position", "of any workflow"])
def test_revoked_before_it_had_a_row(operator: Operator, how: str) -> None:
    """A message of another program that was revoked before a worker took it is a cancelled task.

    A retry does what the message asked for.
    """
    task_id = str(uuid.uuid4())
    operator.flower.post(f"/api/task/revoke/{task_id}")
    goal = {"goal": "Learn chess"}
    ways: dict[str, dict[str, Any]] = {
        "by name": {
            "kwargs": {"task_id": task_id, "user_id": "alice", "request": goal | {"review": False}}
        },
        "by position": {"args": [task_id, "alice", goal | {"review": False}]},
        "of any workflow": {
            "args": [task_id],
            "kwargs": {"workflow": "roadmap", "user_id": "alice", "request": goal, "review": False},
        },
    }
    name = "workflow.run" if how == "of any workflow" else "roadmap.generate"
    with Celery(broker=operator.broker, set_as_current=False) as app:
        app.send_task(name, queue="roadmap", task_id=task_id, **ways[how])
    task = operator.wait(task_id, "cancelled", within_s=10)
    assert (task["user_id"], task["current_step"]) == ("alice", "queued")
    assert operator.api.post(f"/api/v1/tasks/{task_id}/retry").status_code == 202
    operator.wait(task_id, "completed")


def test_a_roadmap_is_asked_for_through_flower(operator: Operator) -> None:
    """Flower sends what workers know by name, though it has none of their code."""
    task_id = str(uuid.uuid4())
    request = {"goal": "Learn to sew", "review": True}
    asked = {"task_id": task_id, "user_id": "alice", "request": request}
    sent = operator.flower.post(
        "/api/task/async-apply/roadmap.generate", json={"kwargs": asked, "task_id": task_id}
    )
    assert sent.status_code == 200, sent.text
    assert operator.wait(task_id, "human_review_pending")["user_id"] == "alice"
    assert operator.delivery(task_id, "WAITING_FOR_REVIEW")["name"] == "roadmap.generate"


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_time_limits_hold(operator: Operator, kind: str) -> None:
    """A limit set in Flower ends a run that takes longer: the task fails with that reason."""
    if not WHOLE_SET and kind != {"threads": "soft", "prefork": "hard"}[operator.pool]:
        pytest.skip("the other limit of this pool with FAULTS=all (make chaos)")
    workers = operator.flower.get("/api/workers", params={"refresh": "true"}).json()
    (worker,) = workers
    operator.limit(worker, **{kind: 0.5})
    try:
        task_id = operator.ask("Learn the guitar")
        task = operator.wait(task_id, "failed", within_s=20)
    finally:
        operator.limit(worker)
    assert task["error"]["code"] == "task_timeout"
    operator.delivery(task_id, "FAILURE")
    after = operator.ask("Learn the guitar")
    operator.wait(after, "completed")
    operator.delivery(after, "SUCCESS")


def _events(operator: Operator, task_id: str) -> list[dict[str, Any]]:
    page = operator.api.get(f"/api/v1/tasks/{task_id}/events").json()
    return list(page["events"])
