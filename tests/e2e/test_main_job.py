"""The main job on a whole stack: a request over HTTP, a real worker, PostgreSQL and Redis."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

FAILS = "Borrowing|[\u4e00-\u9fff]"
"""One concept of the Rust roadmap fails, and every concept with a Chinese title."""
OVER = {"completed", "partial_failure", "failed", "cancelled"}


@pytest.fixture(scope="module")
def stack(
    start_stack: Callable[..., RunningStack], tmp_path_factory: pytest.TempPathFactory
) -> RunningStack:
    """One stack for this module, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("a stack") / "data"
    return start_stack(folder, "--no-flower", SAMPLE_LATENCY_S="0.01", SAMPLE_FAIL=FAILS)


@pytest.fixture
def api(stack: RunningStack) -> Iterator[httpx.Client]:
    """A client of the stack's API."""
    with stack.client() as client:
        yield client


def _create(api: httpx.Client, goal: str, *, review: bool = False) -> str:
    answer = api.post("/api/v1/tasks", json={"goal": goal, "review": review})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["task_id"])


def _task(api: httpx.Client, task_id: str) -> dict[str, Any]:
    answer = api.get(f"/api/v1/tasks/{task_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _wait(api: httpx.Client, task_id: str, *statuses: str, within_s: float = 30) -> dict[str, Any]:
    """Follow the task by long-polling its events until it is in one of the statuses."""
    deadline, after = time.monotonic() + within_s, 0
    while time.monotonic() < deadline:
        task = _task(api, task_id)
        if task["status"] in statuses:
            return task
        page = api.get(f"/api/v1/tasks/{task_id}/events", params={"after": after, "wait": 2})
        after = page.json()["next_after"]
    raise AssertionError(f"{task_id} is {task['status']}/{task['current_step']}")


def _events(api: httpx.Client, task_id: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while page := api.get(f"/api/v1/tasks/{task_id}/events", params={"after": len(events)}).json()[
        "events"
    ]:
        events += page
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return events


def test_completed(api: httpx.Client) -> None:
    """A roadmap is generated to the end: completed/completed, 100 per cent, all readable."""
    task = _wait(api, _create(api, "learn to bake sourdough bread"), *OVER)
    assert (task["status"], task["current_step"]) == ("completed", "completed")
    assert task["progress"]["percent"] == 100
    roadmap = api.get(f"/api/v1/roadmaps/{task['roadmap_id']}").json()
    concepts = [
        concept
        for stage in roadmap["stages"]
        for module in stage["modules"]
        for concept in module["concepts"]
    ]
    assert task["progress"]["total"] == 3 * len(concepts)
    first = api.get(
        f"/api/v1/roadmaps/{task['roadmap_id']}/concepts/{concepts[0]['concept_id']}"
    ).json()
    assert first["tutorial"]["markdown"]
    assert first["resources"]
    assert first["quiz"]["questions"]


def test_partial_failure_and_retry(api: httpx.Client) -> None:
    """One failed concept is partial_failure/content_generation; a retry touches only that one."""
    task = _wait(api, _create(api, "Learn Rust"), *OVER)
    assert (task["status"], task["current_step"]) == ("partial_failure", "content_generation")
    failed = {(f["concept_id"], f["kind"]) for f in task["failed_contents"]}
    assert len(failed) == 3
    before = len(_events(api, task["task_id"]))
    assert api.post(f"/api/v1/tasks/{task['task_id']}/retry").status_code == 202
    _wait(api, task["task_id"], *OVER)
    again = _events(api, task["task_id"])[before:]
    started = [event["data"] for event in again if event["type"] == "content_started"]
    assert {(data["concept_id"], data["kind"]) for data in started} == failed
    assert all(data.keys() >= {"step", "key", "title", "version"} for data in started)
    assert again[0]["type"] == "task_retried"


def test_failed(api: httpx.Client) -> None:
    """When every content fails the task is failed/content_generation and says why."""
    task = _wait(api, _create(api, "学习弹吉他"), *OVER)
    assert (task["status"], task["current_step"]) == ("failed", "content_generation")
    assert task["error"]["code"] == "content_refused"


def test_review_rejected_then_approved(api: httpx.Client) -> None:
    """A review can be rejected with feedback, comes back as a new version, and is approved."""
    task_id = _create(api, "Play chess well", review=True)
    _wait(api, task_id, "human_review_pending", *OVER)
    review = api.get(f"/api/v1/tasks/{task_id}/review")
    assert review.json()["version"] == 1
    url = f"/api/v1/tasks/{task_id}/review"
    assert api.post(url, json={"decision": "reject"}).status_code == 422
    rejected = api.post(url, json={"decision": "reject", "feedback": "Add a module about endgames"})
    assert rejected.status_code == 202, rejected.text
    _wait(api, task_id, "human_review_pending", *OVER)
    etag = review.headers["etag"]
    stale = api.post(url, json={"decision": "approve"}, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert api.get(url).json()["version"] == 2
    assert api.post(url, json={"decision": "approve"}).status_code == 202
    assert api.post(url, json={"decision": "approve"}).status_code == 409
    assert _wait(api, task_id, *OVER)["status"] == "completed"


def test_enqueued_by_another_program(stack: RunningStack, api: httpx.Client) -> None:
    """A foreign Celery app sends only a message, twice; the task is there, and ran once.

    What a later release would say in it besides is ignored.
    """
    foreign = Celery(broker=stack.info["broker_url"])
    task_id = str(uuid.uuid4())
    for _ in range(2):
        foreign.send_task(
            "roadmap.generate",
            queue="roadmap",
            task_id=task_id,
            kwargs={
                "task_id": task_id,
                "user_id": "alice",
                "request": {"goal": "Learn to play the guitar", "review": False},
                "field_of_a_later_release": 1,
            },
        )
    foreign.close()
    deadline = time.monotonic() + 20
    while api.get(f"/api/v1/tasks/{task_id}").status_code == 404:
        assert time.monotonic() < deadline, "the row never came"
    task = _wait(api, task_id, *OVER)
    assert (task["status"], task["user_id"]) == ("completed", "alice")
    types = [event["type"] for event in _events(api, task_id)]
    assert types.count("task_started") == types.count("task_completed") == 1


def test_cancel(api: httpx.Client) -> None:
    """Cancelling in the review is terminal at once, and again is a conflict."""
    task_id = _create(api, "Learn SQL", review=True)
    _wait(api, task_id, "human_review_pending")
    assert api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 202
    task = _task(api, task_id)
    assert (task["status"], task["current_step"]) == ("cancelled", "human_review")
    assert api.post(f"/api/v1/tasks/{task_id}/cancel").status_code == 409
