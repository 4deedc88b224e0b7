"""Every error is a problem, whatever is sent."""

from __future__ import annotations

import base64
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from core.ids import new_id
from core.settings import get_settings
from tests.factories import new_task
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer, in_process

if TYPE_CHECKING:
    import asyncpg
    import httpx

SOME = new_id()
JSON = {"Content-Type": "application/json"}


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check a problem's shape."""
    body: dict[str, Any] = response.json()
    assert response.status_code == status, body
    assert response.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:roadmap-worker:problem:{code}"
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    return body


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"goal": ""}',
    b'{"goal": "   "}',
    b'{"goal": "\\u200b\\u3164\\ue000"}',
    b'{"goal": "\\u202e\\u001b"}',
    b'{"goal": "x", "preferences": {"content_formats": ["\\u2800"]}}',
    b'{"goal": 7}',
    b'{"goal": "a\\u0000b"}',
    b'{"goal": "a\\ud800b"}',
    b'{"goal": "x", "\\ud800": 1}',
    b'{"goal": "x", "unknown": 1}',
    b'{"goal": "x", "review": "perhaps"}',
    b'{"goal": "x", "preferences": {"hours_per_week": 0}}',
    b'{"goal": "x", "preferences": {"hours_per_week": 1e999}}',
    b'{"goal": "x", "preferences": {"hours_per_week": NaN}}',
    b'{"goal": "x", "preferences": {"hours_per_week": ' + b"9" * 5000 + b"}}",
    b'{"goal": "x", "preferences": {"level": "expert"}}',
    b"\xff\xfe\x00",
    b"[" * 40_000,
    b'{"goal": "' + b"x" * 5000 + b'"}',
]


async def test_a_bad_body_is_422(alice: httpx.AsyncClient) -> None:
    """A body that cannot be read or is not valid is 422, never 500."""
    for body in BAD_BODIES:
        response = await alice.post("/api/v1/tasks", content=body, headers=JSON)
        problem = assert_problem(response, 422, "invalid_request")
        told = problem["detail"] + str(problem.get("errors"))
        assert not re.search("should|Input|String|Field required|permitted", told), told


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"goal": "Größe"}'.encode("cp1252"), "is not UTF-8: byte 13 cannot be read"),
        (b"[" * 40_000, "is nested too deeply"),
        (b'{"goal": ' + b"9" * 5000 + b"}", "is not JSON that can be read"),
    ],
)
async def test_what_cannot_be_read_is_said(
    alice: httpx.AsyncClient, body: bytes, said: str
) -> None:
    """A body in the encoding of a Windows console is told from one that breaks JSON's rules."""
    answer = await alice.post(
        "/api/v1/tasks", content=body, headers={"Content-Type": "application/json"}
    )
    found = assert_problem(answer, 422, "invalid_request")
    assert found["detail"] == f"The request is not valid: body {said}."
    assert [(each["field"], each["message"]) for each in found["errors"]] == [("body", said)]


async def test_field_errors_are_listed(alice: httpx.AsyncClient) -> None:
    """A validation problem names each field that is wrong, and repeats no input."""
    response = await alice.post(
        "/api/v1/tasks", json={"goal": "x", "preferences": {"level": "secret", "wrong": 1}}
    )
    problem = assert_problem(response, 422, "invalid_request")
    assert {error["field"] for error in problem["errors"]} == {
        "body.preferences.level",
        "body.preferences.wrong",
    }
    assert "secret" not in response.text


async def test_bad_parameters_are_422(alice: httpx.AsyncClient) -> None:
    """Parameters out of range are 422."""
    task_id = await new_task()
    for query in (
        "events?after=-1",
        "events?after=99999999999",
        "events?after=x",
        "events?wait=31",
        "events?wait=nan",
        "events?limit=0",
        "stream?after=-1",
    ):
        response = await alice.get(f"/api/v1/tasks/{task_id}/{query}")
        assert_problem(response, 422, "invalid_request")


async def test_a_foreign_cursor_is_422(alice: httpx.AsyncClient) -> None:
    """A cursor that is none of ours is 422."""
    for cursor in ("x", "....", "AAAA", "é", "%00", "A" * 101):
        response = await alice.get(f"/api/v1/tasks?cursor={cursor}")
        assert_problem(response, 422, "invalid_request")


async def test_what_is_wrong_beside_a_body_is_named_by_its_place(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A parameter or header that a rule of ours refuses stands in `errors`, as any other one."""
    seeded = await seeds.roadmap(database)
    task = f"/api/v1/tasks/{seeded.task_id}"
    gone = base64.urlsafe_b64encode(SOME.bytes).decode().rstrip("=")
    event_id = {"Last-Event-ID": "x"}
    for place, path, headers in (
        ("query.cursor", "/api/v1/tasks?cursor=x", {}),
        ("query.cursor", f"/api/v1/tasks?cursor={gone}", {}),
        ("query.cursor", "/api/v1/notifications?cursor=x", {}),
        ("query.cursor", f"{task}/parts?cursor=x", {}),
        ("query.kind", f"{task}/parts/content_generation/{seeded.concepts[0]}", {}),
        ("header.last-event-id", f"{task}/stream", event_id),
        ("header.last-event-id", "/api/v1/notifications/stream", event_id),
    ):
        answer = await alice.get(path, headers=headers)
        problem = assert_problem(answer, 422, "invalid_request")
        assert [error["field"] for error in problem["errors"]] == [place], path
    key = [(b"Idempotency-Key", "a\u00adb".encode())]
    answer = await alice.post("/api/v1/tasks", json={"goal": "x"}, headers=key)
    problem = assert_problem(answer, 422, "invalid_request")
    assert problem["errors"][0]["field"] == "header.idempotency-key"


async def test_a_foreign_last_event_id_is_422(alice: httpx.AsyncClient) -> None:
    """A Last-Event-ID that is none of ours is 422."""
    task_id = await new_task()
    for given in ("x", "-1", "1.5", "9" * 30, "²"):
        response = await alice.get(
            f"/api/v1/tasks/{task_id}/stream", headers=[(b"Last-Event-ID", given.encode())]
        )
        assert_problem(response, 422, "invalid_request")


NO_IDS = [
    "/api/v1/tasks/1",
    "/api/v1/tasks/%00",
    f"/api/v1/tasks/{SOME.hex}",
    f"/api/v1/tasks/{{{SOME}}}/events",
    "/api/v1/roadmaps/x",
    f"/api/v1/roadmaps/{SOME}/concepts/x",
    "/api/v1/nothing",
    "/nothing",
    "/api/v1/tasks/",
]


async def test_what_is_no_id_is_404(alice: httpx.AsyncClient) -> None:
    """A malformed id, like an unknown address, is 404."""
    for path in NO_IDS:
        assert_problem(await alice.get(path), 404, "not_found")


async def test_what_cannot_be_stored_names_nothing(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A NUL is not taken off: a path with one is 404 and a filter 422, never another's answer."""
    seeded = await seeds.roadmap(database)
    task, concept = f"/api/v1/tasks/{seeded.task_id}", seeded.concepts[0]
    part = f"{task}/parts/content_generation/{concept}"
    assert (await alice.get(f"{part}?kind=quiz")).status_code == 200
    for path in (f"{part}%00", f"{task}/parts/content%00_generation/{concept}"):
        assert_problem(await alice.get(f"{path}?kind=quiz"), 404, "not_found")
        anew = await alice.post(f"{path}/regenerate", json={"kinds": ["quiz"]})
        assert_problem(anew, 404, "not_found")
    for query in (
        *("/api/v1/tasks?q=%00", "/api/v1/tasks?workflow=roadmap%00"),
        *(f"{task}/parts?{name}=%00" for name in ("step", "key", "kind")),
        f"{part}?kind=quiz%00",
        f"/api/v1/roadmaps/{seeded.roadmap_id}/search?q=kites%00",
    ):
        assert_problem(await alice.get(query), 422, "invalid_request")


async def test_a_wish_that_nobody_can_read_is_422(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Invisible characters alone are no instruction, as they are no goal; an empty one is none."""
    seeded = await seeds.roadmap(database)
    url = f"/api/v1/tasks/{seeded.task_id}/parts/content_generation/{seeded.concepts[0]}/regenerate"
    unseen = {"kinds": ["quiz"], "instruction": "\u200b\u2060"}
    answer = assert_problem(await alice.post(url, json=unseen), 422, "invalid_request")
    assert "something to read" in str(answer)
    assert (await alice.post(url, json=unseen | {"instruction": " "})).status_code == 202


async def test_an_edit_without_changes_names_both_kinds(alice: httpx.AsyncClient) -> None:
    """Whichever workflow it is about, an edit that brings nothing is told what it may bring."""
    for body in ({"decision": "edit"}, {"decision": "edit", "edits": []}):
        answer = await alice.post(f"/api/v1/tasks/{await new_task()}/review", json=body)
        told = str(assert_problem(answer, 422, "invalid_request"))
        assert "`edits`" in told
        assert "`value`" in told


async def test_a_wrong_method_is_405(alice: httpx.AsyncClient) -> None:
    """A method that an address does not have is 405; Allow names all that it has."""
    for path, allowed in (
        ("/api/v1/tasks", "GET, HEAD, POST"),
        (f"/api/v1/tasks/{SOME}/review", "GET, HEAD, POST"),
        (f"/api/v1/roadmaps/{SOME}/concepts/{SOME}/regenerate", "POST"),
    ):
        response = await alice.patch(path)
        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == allowed


@pytest.mark.parametrize("declared", [True, False])
async def test_a_large_body_is_413(alice: httpx.AsyncClient, declared: bool) -> None:  # noqa: FBT001
    """A body that is larger than the address takes is 413, with or without a declared length."""
    large = b'{"goal": "' + b"x" * 1_100_000 + b'"}'

    async def chunks() -> Any:
        for at in range(0, len(large), 100_000):
            yield large[at : at + 100_000]

    response = await alice.post(
        "/api/v1/tasks", content=large if declared else chunks(), headers=JSON
    )
    assert_problem(response, 413, "payload_too_large")


async def test_an_unreachable_database_is_503(
    jwt_mode: None, settings_env: pytest.MonkeyPatch
) -> None:
    """Without PostgreSQL requests are 503 with Retry-After, and do not hang."""
    with socket.socket() as taken:  # bound, never listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings_env.setenv("ROADMAP_DATABASE_URL", f"postgresql://a:b@127.0.0.1:{port}/c")
        settings_env.setenv("ROADMAP_REDIS_URL", f"redis://127.0.0.1:{port}/0")
        get_settings.cache_clear()
        async with in_process() as client:
            for path in ("/api/v1/tasks", f"/api/v1/tasks/{SOME}/stream"):
                response = await client.get(path, headers=bearer())
                assert_problem(response, 503, "service_unavailable")
                assert int(response.headers["retry-after"]) > 0


async def test_an_unforeseen_error_tells_nothing(
    alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug is a 500 problem with the request's id and nothing of the inside."""

    async def broken(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("watching.queries.list_tasks", broken)
    response = await alice.get("/api/v1/tasks", headers={"X-Request-ID": "abc-1"})
    assert_problem(response, 500, "internal_error")
    assert "secret" not in response.text
    assert response.headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize("path", ["/nowhere", "/tasks/abc", "/roadmaps/x/concepts/y", "/tasks/"])
async def test_a_person_gets_a_page(path: str) -> None:
    """A wrong address in a browser is a page with a way home; a program gets a problem."""
    async with in_process() as client:
        page = await client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.status_code == 404
        assert page.headers["content-type"].startswith("text/html")
        assert 'class="button" href="/"' in page.text
        assert "{{" not in page.text
        plain = await client.get(path)
        assert plain.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api", "/static/none.js", "/metrics/x"])
async def test_programs_addresses_are_no_pages(path: str) -> None:
    """Below the API, the assets and the probes an error is a problem, whatever is accepted."""
    async with in_process() as client:
        answer = await client.get(path, headers={"Accept": "text/html"})
        assert_problem(answer, 404, "not_found")
