"""Whatever a request's parts are, at the largest that is taken: nobody else waits 100 ms for it."""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from api.bodies import OTHER_BODY, REVIEW_BODY, TASK_BODY
from api.connections import HEAD_BYTES
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from tests.loop_lag import loop_lag, old_things_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg
    import httpx

LONGEST_MS = 100
LOOKS = 3
JSON = {"Content-Type": "application/json"}
HEAD = HEAD_BYTES - 1000


@pytest.fixture(autouse=True)
def _apart() -> Iterator[None]:
    with old_things_apart():
        yield


def keys(size: int) -> str:
    """Return as many different keys as fit."""
    return ",".join(f'"{n:x}":0' for n in range(size // 9))


def bodies(most: int) -> dict[str, bytes]:
    """Return bodies as large as an address takes them, each hard for another reason."""
    texts = {
        "arrays": "[" * most,
        "objects": '{"a":' * (most // 5),
        "closed arrays": "[" * (most // 2) + "]" * (most // 2),
        "keys": "{" + keys(most - 10) + "}",
        "the same key": "{" + ",".join(['"goal":"a"'] * (most // 11)) + "}",
        "a long key": '{"' + "k" * (most - 10) + '":0}',
        "a long string": '{"goal":"' + "x" * (most - 20) + '"}',
        "escapes": '{"goal":"' + "\\u0041" * ((most - 20) // 6) + '"}',
        "a huge integer": '{"goal":' + "9" * (most - 20) + "}",
        "a huge fraction": '{"goal":0.' + "9" * (most - 20) + "}",
        "many integers": "[" + "1," * (most // 2 - 5) + "1]",
        "nested keys": '{"goal":"g","preferences":{' + keys(most - 60) + "}}",
        "formats": '{"goal":"g","preferences":{"content_formats":['
        + '"",' * ((most - 100) // 3)
        + '""]}}',
        "spaces": '{"goal":"' + " " * (most - 20) + '"}',
        "no JSON": "\x00" * most,
    }
    found = {name: text.encode()[:most] for name, text in texts.items()}
    return found | {"no UTF-8": b"\xff" * most, "UTF-16": "x".encode("utf-16") * (most // 5)}


def decisions(seeded: seeds.Seeded) -> dict[str, bytes]:
    """Return decisions that are as hard as they may be."""
    key = str(seeded.concepts[0])
    rename = {"op": "rename", "concept_id": key, "title": "t" * 200}
    update = {"op": "update", "concept_id": key, "prerequisites": [key] * 50}
    wrong = {"op": "remove", "concept_id": "x", **{f"k{n}": 0 for n in range(9)}}
    unknown = {"op": "remove", **{f"{n:x}": 0 for n in range(20_000)}}
    lists: dict[str, Any] = {
        "renames": [rename] * 500,
        "prerequisites": [update] * 100,
        "nowhere": [{"op": "remove", "concept_id": str(uuid4())}] * 500,
        "wrong": [wrong] * 500,
        "unknown": [unknown],
        "no operations": [{"op": "x" * 400}] * 500,
        "too many": [{"op": "remove", "concept_id": key}] * 3000,
        "numbers": list(range(40_000)),
    }
    return {
        name: json.dumps({"decision": "edit", "edits": edits}).encode()
        for name, edits in lists.items()
    }


async def _held(client: httpx.AsyncClient, request: httpx.Request) -> tuple[httpx.Response, float]:
    """Return the answer and for how many milliseconds of CPU the loop was held.

    A garbage collection or a page that has to be found adds to one look, and takes nothing from
    any: what is too long is the least of three.
    """
    least_ms = math.inf
    for _ in range(LOOKS):
        async with loop_lag() as lag:
            answer = await client.send(request)
        least_ms = min(least_ms, lag.worst_ms)
        if least_ms <= LONGEST_MS:
            break
    return answer, least_ms


@pytest.mark.timeout(600)  # many large bodies, one after the other
async def test_bodies(alice: httpx.AsyncClient, database: asyncpg.Connection) -> None:
    """Any body is refused or taken, never 500, and holds the loop for less than 100 ms."""
    seeded = await seeds.review(database)
    roadmap = f"/api/v1/roadmaps/{seeded.roadmap_id}/concepts/{seeded.concepts[0]}"
    review = f"/api/v1/tasks/{seeded.task_id}/review"
    asked: list[tuple[str, str, str, bytes]] = [
        (method, path, name, body)
        for method, path, most in (
            ("POST", "/api/v1/tasks", TASK_BODY),
            ("POST", review, REVIEW_BODY),
            ("POST", f"{roadmap}/regenerate", OTHER_BODY),
            ("PUT", f"{roadmap}/quiz-answers", OTHER_BODY),
            ("POST", "/api/v1/stream-tickets", OTHER_BODY),
        )
        for name, body in bodies(most).items()
    ]
    answers = {"version": 1, "answers": [["x"] * 99] * 90}
    asked.append(("PUT", f"{roadmap}/quiz-answers", "answers", json.dumps(answers).encode()))
    asked += [("POST", review, name, body) for name, body in decisions(seeded).items()]
    await alice.post("/api/v1/tasks", content=b"{", headers=JSON)
    slow = {}
    for method, path, name, body in asked:
        request = alice.build_request(method, path, content=body, headers=JSON)
        answer, held_ms = await _held(alice, request)
        assert answer.status_code < 500, (path, name, answer.text)
        assert len(answer.content) < 50_000, (path, name)
        if held_ms > LONGEST_MS:
            slow[path, name] = held_ms
    assert slow == {}


def token(header: str, claims: str = "{}") -> str:
    """Return something that looks like a token."""
    parts = (base64.urlsafe_b64encode(p.encode()).decode().rstrip("=") for p in (header, claims))
    return ".".join((*parts, "c2ln"))


HEADERS = {
    "If-Match": ['"' * HEAD, 'W/"1",' * (HEAD // 6), '"' + "9" * HEAD, "9" * HEAD],
    "If-None-Match": ['"' * HEAD, '"a",' * (HEAD // 4), 'W/"' * (HEAD // 3), "*" * HEAD],
    "Last-Event-ID": ["9" * HEAD, "-" * HEAD, "²" * 10],
    "Accept-Language": ["en;q=0.1," * (HEAD // 9), "*" * HEAD],
    "Accept": ["*/*," * (HEAD // 4)],
    "Cookie": ["a=b;" * (HEAD // 4), ";" * HEAD, '"' * HEAD, "session=" + "a" * HEAD],
    "Idempotency-Key": ["k" * HEAD],
    "X-Request-ID": ["a" * HEAD],
    "traceparent": ["00-" * (HEAD // 3)],
    "X-Forwarded-For": ["1.1.1.1," * (HEAD // 8)],
    "Forwarded": ["for=1.1.1.1;" * (HEAD // 12)],
    "Range": ["bytes=" + "0-0," * (HEAD // 4)],
    "Content-Type": [
        "application/json;" * (HEAD // 17),
        "multipart/form-data; boundary=" + "a" * HEAD,
    ],
    "Origin": ["http://[", "http://" + "a." * (HEAD // 2), "\\" * 100],
    "Host": ["[", "a" * 5000, "[::1]:x", "@" * 100],
    "Authorization": [
        "Bearer " + "a" * HEAD,
        "Bearer " + "." * HEAD,
        "Bearer " + token("[" * 20_000),
        "Bearer " + token('{"alg":"HS256","typ":' + "[" * 20_000),
        "Bearer " + token('{"alg":' + "9" * 20_000 + "}"),
        "Basic " + "a" * HEAD,
        " " * HEAD + "x",
    ],
}
QUERIES = {
    "/api/v1/tasks": [
        "status=x&" * (HEAD // 9),
        "cursor=" + "A" * HEAD,
        "limit=" + "9" * HEAD,
        "&" * HEAD,
        "a=b&" * (HEAD // 4),
        "q=" + "%25" * (HEAD // 3),
        "q=" + "%5F" * 200,
        "%" * HEAD,
    ],
    "/readyz": ["exclude=workers&" * (HEAD // 16)],
    "/api/v1/notifications": ["unread=" + "x" * HEAD, "cursor=" + "=" * HEAD],
    "/api/v1/notifications/stream": ["ticket=" + "a" * HEAD, "ticket=" + token("[" * 20_000)],
}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_headers_and_queries(
    alice: httpx.AsyncClient, database: asyncpg.Connection, method: str
) -> None:
    """Any header and any query is refused or taken, never 500, within 100 ms of the loop."""
    seeded = await seeds.review(database)
    review = f"/api/v1/tasks/{seeded.task_id}/review"
    asked: list[tuple[str, dict[str, str], str]] = [
        (path, {name: value}, name)
        for name, values in HEADERS.items()
        for value in values
        for path in ("/api/v1/tasks", review, f"/api/v1/tasks/{seeded.task_id}/stream")
        if not (path.endswith("stream") and (name != "Last-Event-ID" or method == "POST"))
    ]
    asked += [
        (f"{path}?{query}", {}, query[:20]) for path, all_ in QUERIES.items() for query in all_
    ]
    slow = {}
    for path, headers, name in asked:
        encoded = [
            (key.encode(), value.encode())
            for key, value in {
                **({} if "ticket=" in path else bearer()),
                "Content-Type": "application/json",
                **headers,
            }.items()
        ]
        request = alice.build_request(method, path, content=b"{" if method == "POST" else None)
        request.headers = type(request.headers)(
            [(b"host", b"127.0.0.1:8000"), *encoded] if "Host" not in headers else encoded
        )
        answer, held_ms = await _held(alice, request)
        assert answer.status_code < 500, (path, name, answer.text)
        if held_ms > LONGEST_MS:
            slow[path[:40], name] = held_ms
    assert slow == {}


async def test_bodies_that_are_no_plain_json(alice: httpx.AsyncClient) -> None:
    """Forms, uploads and compressed bodies are 415; a method that only reads takes no body."""
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/x"):
        answer = await alice.post(
            "/api/v1/tasks", content=b"a=b&" * 10_000, headers={"Content-Type": kind}
        )
        assert answer.status_code == 415
    for coding in ("gzip", "br", "deflate", "x"):
        answer = await alice.post(
            "/api/v1/tasks", content=b"{}", headers={**JSON, "Content-Encoding": coding}
        )
        assert answer.status_code == 415
        assert "Content-Encoding" in answer.json()["detail"]
    for coding in ("gzip, chunked", "GZIP,chunked", "x, chunked"):
        coded = {**JSON, "Transfer-Encoding": coding}
        answer = await alice.post("/api/v1/tasks", content=b"{}", headers=coded)
        assert answer.status_code == 501
        assert answer.json()["code"] == "unknown_transfer_coding"
    plain = {**JSON, "Transfer-Encoding": "identity, Chunked"}
    answer = await alice.post("/api/v1/tasks", content=b"{", headers=plain)
    assert answer.status_code == 422
    for method in ("GET", "HEAD", "DELETE"):
        answer = await alice.request(method, "/api/v1/tasks", content=b"{}", headers=JSON)
        assert answer.status_code == 413
