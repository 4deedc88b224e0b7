"""Tasks over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson
import pytest

from api.http import encode_cursor
from core.ids import new_id
from core.states import Status
from notifications.events import parse_event
from roadmaps.steps.names import RoadmapStep
from tests.factories import new_task
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from workflow.service import accept_delivery

if TYPE_CHECKING:
    import asyncpg
    import httpx

TASK_FIELDS = {
    "task_id",
    "user_id",
    "goal",
    "status",
    "current_step",
    "roadmap_id",
    "progress",
    "error",
    "failed_contents",
    "usage",
    "created_at",
    "started_at",
    "finished_at",
    "links",
}


async def test_create_answers_202_with_the_resource(alice: httpx.AsyncClient) -> None:
    """A request is accepted with a location, a hint when to look, and the task's resource."""
    response = await alice.post("/api/v1/tasks", json={"goal": "Learn Rust"})
    task = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/api/v1/tasks/{task['task_id']}"
    assert int(response.headers["retry-after"]) >= 1
    assert task.keys() >= TASK_FIELDS
    assert (task["status"], task["current_step"]) == ("pending", "queued")
    assert (task["user_id"], task["roadmap_id"], task["error"]) == ("alice", None, None)
    assert task["links"].keys() >= {"self", "events", "stream", "ws", "review"}
    assert task["created_at"].endswith("Z")


async def test_the_announced_task_is_there(alice: httpx.AsyncClient) -> None:
    """The id of a 202 can be read at once, with its first event."""
    task = (await alice.post("/api/v1/tasks", json={"goal": "Learn Rust"})).json()
    again = await alice.get(task["links"]["self"])
    listed = (await alice.get(task["links"]["events"])).json()
    assert again.json() == task
    assert [parse_event(event).seq for event in listed["events"]] == [1]
    assert listed["next_after"] == 1


async def test_the_same_key_gives_the_same_task(alice: httpx.AsyncClient) -> None:
    """An Idempotency-Key with the same body gives the same task, with another body 422."""
    key = {"Idempotency-Key": "one"}
    first = await alice.post("/api/v1/tasks", json={"goal": "Learn Rust"}, headers=key)
    again = await alice.post("/api/v1/tasks", json={"goal": "Learn Rust"}, headers=key)
    other = await alice.post("/api/v1/tasks", json={"goal": "Learn Go"}, headers=key)
    bob = await alice.post("/api/v1/tasks", json={"goal": "Learn Go"}, headers=key | bearer("bob"))
    assert again.json()["task_id"] == first.json()["task_id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert bob.status_code == 202
    assert bob.json()["task_id"] != first.json()["task_id"]


async def test_a_key_ends_before_its_blanks(served: str) -> None:
    """Blanks around a header's value are no part of it, so a proxy may leave them out."""
    body = b'{"goal": "Learn Rust"}'
    found = set()
    for key in ("one", " one \t "):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(served).port)
        told = bearer() | {"Content-Type": "application/json", "Content-Length": str(len(body))}
        told |= {"Host": "127.0.0.1", "Connection": "close", "Idempotency-Key": key}
        head = "".join(f"{name}:{value}\r\n" for name, value in told.items())
        writer.write(f"POST /api/v1/tasks HTTP/1.1\r\n{head}\r\n".encode() + body)
        answer = await reader.read()
        writer.close()
        found.add(orjson.loads(answer.partition(b"\r\n\r\n")[2])["task_id"])
    assert len(found) == 1


async def test_what_follows_a_body_in_pieces_is_left_out(served: str) -> None:
    """A trailer is HTTP, too, and changes nothing: neither who asks nor the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(served).port)
    told = bearer() | {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    told |= {"Host": "127.0.0.1", "Connection": "close", "Trailer": "Authorization, X-Sum"}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    body = '10;part=1\r\n{"goal": "Rust"}\r\n0\r\nAuthorization: none\r\nX-Sum: 7\r\n\r\n'
    writer.write(f"POST /api/v1/tasks HTTP/1.1\r\n{head}\r\n{body}".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 202 "), answer
    assert orjson.loads(answer.partition(b"\r\n\r\n")[2])["user_id"] == "alice"


async def test_pages_hold_every_task_once_newest_first(alice: httpx.AsyncClient) -> None:
    """Following the Link header gives each of one's own tasks once, newest first."""
    made = [str(await new_task(goal=f"Goal {n}")) for n in range(5)]
    await new_task(user="bob")
    seen: list[str] = []
    url: str | None = "/api/v1/tasks?limit=2&status=pending"
    while url:
        page = await alice.get(url)
        seen += [task["task_id"] for task in page.json()["tasks"]]
        link = page.headers.get("link")
        assert (link is None) == (page.json()["next_cursor"] is None)
        url = None if link is None else link.split(">")[0].removeprefix("<")
    assert seen == made[::-1]


async def test_tasks_of_other_programs_stand_where_their_time_says(
    alice: httpx.AsyncClient,
) -> None:
    """Ids that other programs chose, low or high, do not change the order of lists."""
    made: list[str] = []
    for first in ("f", "0", "8"):
        theirs = UUID(f"{first}{uuid4().hex[1:]}")
        await accept_delivery(theirs, user_id="alice", request={"goal": "Learn Rust"})
        made = [str(await new_task()), str(theirs), *made]
    found: list[str] = []
    url = "/api/v1/tasks?limit=1"
    while url:
        page = await alice.get(url)
        found += [task["task_id"] for task in page.json()["tasks"]]
        url = page.links.get("next", {}).get("url", "")
    assert found == made
    gone = await alice.get(f"/api/v1/tasks?cursor={encode_cursor(uuid4())}")
    assert gone.status_code == 422


async def test_lists_can_be_filtered_by_status(alice: httpx.AsyncClient) -> None:
    """Only the statuses asked for are listed."""
    await new_task()
    failed = await seeds.failed_task()
    page = (await alice.get("/api/v1/tasks", params={"status": ["failed", "cancelled"]})).json()
    assert [task["task_id"] for task in page["tasks"]] == [str(failed)]
    assert page["tasks"][0]["error"] == {
        "code": "provider_error",
        "message": "It broke.",
        "step": "curriculum_design",
    }


async def test_lists_can_be_asked_for_a_part_of_an_id(
    database: asyncpg.Connection, alice: httpx.AsyncClient
) -> None:
    """An end or a beginning of a task's id, or of its roadmap's, finds it; only one's own."""
    seeded = await seeds.roadmap(database)
    task_id, roadmap_id = seeded.task_id, seeded.roadmap_id
    await new_task()
    theirs = await new_task(user="bob")

    async def found(part: str) -> list[str]:
        page = await alice.get("/api/v1/tasks", params={"id": part})
        return [task["task_id"] for task in page.json()["tasks"]]

    for part in (str(task_id)[-8:], str(task_id)[:23].upper(), str(roadmap_id)[-12:]):
        assert await found(part) == [str(task_id)]
    assert await found(str(theirs)[-8:]) == []
    for wrong in ("1234567", "%25%25%25%25%25%25%25%25", "0" * 37):
        refused = await alice.get(f"/api/v1/tasks?id={wrong}")
        assert refused.status_code == 422


async def test_an_admin_lists_everybodys_tasks(alice: httpx.AsyncClient) -> None:
    """An admin's list has the tasks of all users."""
    await new_task()
    await new_task(user="bob")
    page = await alice.get("/api/v1/tasks", headers=bearer("root", role="admin"))
    assert {task["user_id"] for task in page.json()["tasks"]} == {"alice", "bob"}


async def test_a_task_in_review_tells_until_when(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """In lists, too: who has hundreds of reviews finds the urgent ones without reading each."""
    await new_task()
    seeded = await seeds.review(database)
    due = (await alice.get(f"/api/v1/tasks/{seeded.task_id}/review")).json()["due_at"]
    listed = (await alice.get("/api/v1/tasks")).json()["tasks"]
    assert {task["review_due_at"] for task in listed} == {None, due}
    task = (await alice.get(f"/api/v1/tasks/{seeded.task_id}")).json()
    assert task["review_due_at"] == due


async def test_an_unchanged_task_is_304(alice: httpx.AsyncClient) -> None:
    """A task is 304 for its ETag until it changes."""
    task_id = await new_task()
    first = await alice.get(f"/api/v1/tasks/{task_id}")
    known = {"If-None-Match": first.headers["etag"]}
    same = await alice.get(f"/api/v1/tasks/{task_id}", headers=known)
    one_of_two = [("If-None-Match", '"another"'), *known.items()]
    assert (await alice.get(f"/api/v1/tasks/{task_id}", headers=one_of_two)).status_code == 304
    await seeds.started(task_id)
    changed = await alice.get(f"/api/v1/tasks/{task_id}", headers=known)
    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200


async def test_a_partly_failed_task_names_what_failed(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """`failed_contents` lists the contents whose newest version failed, with their class."""
    seeded = await seeds.roadmap(database)
    task = (await alice.get(f"/api/v1/tasks/{seeded.task_id}")).json()
    assert (task["status"], task["current_step"]) == ("partial_failure", "content_generation")
    assert task["failed_contents"] == [
        {
            "step": "content_generation",
            "key": str(seeded.concepts[1]),
            "title": "Concept 2",
            "concept_id": str(seeded.concepts[1]),
            "concept_title": "Concept 2",
            "kind": "quiz",
            "code": "content_refused",
            "message": "No.",
        }
    ]
    assert task["links"]["roadmap"] == f"/api/v1/roadmaps/{seeded.roadmap_id}"


async def test_a_failed_task_can_be_retried_once(alice: httpx.AsyncClient) -> None:
    """A retry of a failed task is 202 and starts a new attempt; of a running one 409."""
    task_id = await seeds.failed_task()
    first = await alice.post(f"/api/v1/tasks/{task_id}/retry")
    again = await alice.post(f"/api/v1/tasks/{task_id}/retry")
    assert (first.status_code, first.json()["status"]) == (202, "processing")
    assert first.json()["attempt"] == 2
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_queued_task_can_be_cancelled(alice: httpx.AsyncClient) -> None:
    """Cancelling a queued task is 202 and it is over; cancelling it again is 409."""
    task_id = await new_task()
    first = await alice.post(f"/api/v1/tasks/{task_id}/cancel")
    again = await alice.post(f"/api/v1/tasks/{task_id}/cancel")
    assert (first.status_code, first.json()["status"]) == (202, "cancelled")
    assert again.status_code == 409


@pytest.mark.parametrize("limit", [1, 3])
async def test_events_are_listed_after_a_number(alice: httpx.AsyncClient, limit: int) -> None:
    """`after` and `limit` walk through the log without gap or repeat."""
    task_id = await new_task()
    await seeds.emit(task_id, 4)
    seen: list[int] = []
    after = 0
    while True:
        page = (
            await alice.get(
                f"/api/v1/tasks/{task_id}/events", params={"after": after, "limit": limit}
            )
        ).json()
        if not page["events"]:
            break
        seen += [event["seq"] for event in page["events"]]
        after = page["next_after"]
    assert seen == [1, 2, 3, 4, 5]


async def test_a_terminal_task_does_not_make_a_long_poll_wait(alice: httpx.AsyncClient) -> None:
    """A long poll on an ended task that was read to its end answers at once."""
    task_id = await seeds.failed_task()
    response = await alice.get(
        f"/api/v1/tasks/{task_id}/events", params={"after": 3, "wait": 30}, timeout=5
    )
    assert response.json() == {"events": [], "next_after": 3}


async def test_an_unknown_task_is_404(alice: httpx.AsyncClient) -> None:
    """A task that does not exist is a 404 problem."""
    response = await alice.get(f"/api/v1/tasks/{new_id()}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_too_many_waiting_tasks_are_429(
    settings_env: pytest.MonkeyPatch, alice: httpx.AsyncClient
) -> None:
    """Over USER_MAX_WAITING_TASKS a request is 429 with Retry-After; a repeated one is not."""
    from core.settings import get_settings

    settings_env.setenv("ROADMAP_USER_MAX_WAITING_TASKS", "1")
    get_settings.cache_clear()
    key = {"Idempotency-Key": "one"}
    first = await alice.post("/api/v1/tasks", json={"goal": "One"}, headers=key)
    again = await alice.post("/api/v1/tasks", json={"goal": "One"}, headers=key)
    assert again.json()["task_id"] == first.json()["task_id"]
    response = await alice.post("/api/v1/tasks", json={"goal": "Two"})
    assert (response.status_code, response.json()["code"]) == (429, "too_many_tasks")
    assert int(response.headers["retry-after"]) > 0


async def test_a_running_task_shows_its_progress(alice: httpx.AsyncClient) -> None:
    """Progress and usage are the row's."""
    task_id = await new_task()
    await seeds.started(task_id)
    await seeds.move(
        task_id,
        status=Status.PROCESSING,
        step=RoadmapStep.CONTENT_GENERATION,
        total=9,
        done=3,
        calls=4,
    )
    task = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert task["progress"] == {"done": 3, "total": 9, "percent": 40.0}
    assert task["usage"]["calls"] == 4


async def test_parallel_requests_with_one_key_make_one_task(
    viewer: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """20 POSTs at once with one Idempotency-Key make one task and all name it."""
    key = {"Idempotency-Key": "one"}
    answers = await asyncio.gather(
        *(viewer.post("/api/v1/tasks", json={"goal": "Learn Rust"}, headers=key) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {202}
    [task_id] = {answer.json()["task_id"] for answer in answers}
    assert {answer.headers["location"] for answer in answers} == {f"/api/v1/tasks/{task_id}"}
    assert await database.fetchval("SELECT count(*) FROM roadmap_tasks") == 1
    assert await database.fetchval("SELECT count(*) FROM task_events") == 1


async def test_a_refused_request_does_not_use_up_its_key(alice: httpx.AsyncClient) -> None:
    """A key of a request that was refused is free: the corrected request may bear it."""
    key = {"Idempotency-Key": "one"}
    refused = await alice.post("/api/v1/tasks", json={"goal": ""}, headers=key)
    corrected = await alice.post("/api/v1/tasks", json={"goal": "Learn Rust"}, headers=key)
    assert (refused.status_code, corrected.status_code) == (422, 202)


async def test_one_key_with_other_bodies_at_once(alice: httpx.AsyncClient) -> None:
    """Of requests at once with one key and different bodies one is taken, the others are 422."""
    answers = await asyncio.gather(
        *(
            alice.post("/api/v1/tasks", json={"goal": goal}, headers={"Idempotency-Key": "one"})
            for goal in ("Rust", "Go", "Zig", "Lua")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [202, 422, 422, 422]


async def test_equal_requests_are_equal_however_they_are_written(alice: httpx.AsyncClient) -> None:
    """The order of fields and what is left out make no other request."""
    key = {"Idempotency-Key": "one", "Content-Type": "application/json"}
    first = b'{"goal": "Learn Rust", "review": true}'
    again = b'{"review":true,"preferences":{},"goal":"Learn Rust"}'
    answers = [await alice.post("/api/v1/tasks", content=b, headers=key) for b in (first, again)]
    assert answers[0].json()["task_id"] == answers[1].json()["task_id"]


async def test_tasks_are_found_by_their_words(alice: httpx.AsyncClient) -> None:
    """`q` finds text in goals, whatever its case, and takes no wildcard."""
    await alice.post("/api/v1/tasks", json={"goal": "Learn 100% of chess"})
    await alice.post("/api/v1/tasks", json={"goal": "Learn Go"})

    async def found(q: str) -> list[str]:
        answer = await alice.get("/api/v1/tasks", params={"q": q})
        return [task["goal"] for task in answer.json()["tasks"]]

    assert await found("CHESS") == ["Learn 100% of chess"]
    assert await found("0% of") == ["Learn 100% of chess"]
    assert await found("L%n") == []
    assert len(await found("learn")) == 2
