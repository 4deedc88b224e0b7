"""Who may do what: every route there is, asked by everybody, with the expected answer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api import tickets
from api.app import create_app
from core.ids import new_id
from tests.factories import ALICE, BOB, new_task
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from watching.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import asyncpg

FORGED: Final = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."}
SEEN_ALL: Final = 2**31 - 1

# Of a kind of route: who is let in, and what the others get. Everything is alice's.
EVERYBODY: Final = "everybody"
OWNED: Final = "alice's thing"
PERSONAL: Final = "alice's thing, and no admin's"
ADMIN: Final = "for admins"
OPEN: Final = "open"
TASK_STREAM: Final = "stream of alice's task"
INBOX_STREAM: Final = "stream of one's own inbox"

USERS: Final = ("owner", "owner of unknown role", "other user", "admin")
TICKETS: Final = ("ticket of the task", "ticket of another task", "ticket of all", "other's ticket")
NOBODY: Final = ("anonymous", "expired", "forged", "not a bearer")
CALLERS: Final = (*USERS, *TICKETS, *NOBODY)


def expected(kind: str, caller: str, success: int) -> int:
    """Return what a caller gets from a route of a kind that answers `success` when it may."""
    if kind == OPEN:
        return success
    if caller in NOBODY:
        return 401
    if caller in TICKETS:
        by_ticket = {
            TASK_STREAM: (success, 401, success, 404),
            INBOX_STREAM: (401, 401, success, success),
        }
        return by_ticket.get(kind, (401, 401, 401, 401))[TICKETS.index(caller)]
    by_user = {
        EVERYBODY: (success, success, success, success),
        OWNED: (success, success, 404, success),
        PERSONAL: (success, success, 404, 404),
        ADMIN: (403, 403, 403, success),
        TASK_STREAM: (success, success, 404, success),
        INBOX_STREAM: (success, success, success, success),
    }
    return by_user[kind][USERS.index(caller)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is expected of one route.

    Attributes:
        kind: Who may use it.
        success: The answer for those who may.
        things: What it is asked about: a partly failed task's roadmap, or one under `review`.
        body: What is sent.
        query: Likewise.
        name: Of the job or workflow that the path names.
    """

    kind: str
    success: int = 200
    things: str = "roadmap"
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    name: str = "purge"


TASK: Final = "/api/v1/tasks/{task_id}"
CONCEPT: Final = "/api/v1/roadmaps/{roadmap_id}/concepts/{concept_id}"
PART: Final = f"{TASK}/parts/{{step}}/{{key:anything}}"
SCHEDULES: Final = "/api/v1/admin/schedules"
ROWS: Final = {
    ("POST", "/api/v1/tasks"): Row(kind=EVERYBODY, success=202, body={"goal": "Learn Rust"}),
    ("GET", "/api/v1/tasks"): Row(kind=EVERYBODY),
    ("GET", "/api/v1/workflows"): Row(kind=EVERYBODY),
    ("POST", "/api/v1/workflows/{name}/tasks"): Row(
        kind=EVERYBODY, success=202, body={"request": {"goal": "Learn Go"}}, name="roadmap"
    ),
    ("GET", TASK): Row(kind=OWNED),
    ("GET", f"{TASK}/events"): Row(kind=OWNED),
    ("GET", f"{TASK}/stream"): Row(kind=TASK_STREAM, success=204, query={"after": SEEN_ALL}),
    ("GET", f"{TASK}/usage"): Row(kind=OWNED),
    ("GET", f"{TASK}/results"): Row(kind=OWNED),
    ("GET", f"{TASK}/parts"): Row(kind=OWNED),
    ("GET", PART): Row(kind=OWNED, query={"kind": "quiz"}),
    ("POST", f"{PART}/regenerate"): Row(kind=OWNED, success=202, body={"kinds": ["quiz"]}),
    ("GET", f"{TASK}/review"): Row(kind=OWNED, things="review"),
    ("POST", f"{TASK}/review"): Row(
        kind=OWNED, success=202, things="review", body={"decision": "approve"}
    ),
    ("POST", f"{TASK}/retry"): Row(kind=OWNED, success=202),
    ("POST", f"{TASK}/cancel"): Row(kind=OWNED, success=202, things="review"),
    ("GET", "/api/v1/roadmaps/{roadmap_id}"): Row(kind=OWNED),
    ("GET", "/api/v1/roadmaps/{roadmap_id}/progress"): Row(kind=OWNED),
    ("GET", "/api/v1/roadmaps/{roadmap_id}/search"): Row(kind=OWNED, query={"q": "kites"}),
    ("GET", "/api/v1/learning"): Row(kind=EVERYBODY),
    ("GET", CONCEPT): Row(kind=OWNED),
    ("PUT", f"{CONCEPT}/mark"): Row(kind=OWNED, body={"mark": "learning"}),
    ("PUT", f"{CONCEPT}/done"): Row(kind=OWNED),
    ("DELETE", f"{CONCEPT}/done"): Row(kind=OWNED),
    ("PUT", f"{CONCEPT}/quiz-answers"): Row(kind=OWNED, body={"version": 1, "answers": [[0]]}),
    ("POST", f"{CONCEPT}/regenerate"): Row(kind=OWNED, success=202, body={"kinds": ["quiz"]}),
    ("GET", "/api/v1/notifications"): Row(kind=EVERYBODY),
    ("GET", "/api/v1/notifications/unread-count"): Row(kind=EVERYBODY),
    ("POST", "/api/v1/notifications/read-all"): Row(kind=EVERYBODY),
    ("POST", "/api/v1/notifications/{notification_id}/read"): Row(kind=PERSONAL),
    ("GET", "/api/v1/notifications/stream"): Row(kind=INBOX_STREAM),
    ("POST", "/api/v1/stream-tickets"): Row(kind=EVERYBODY, success=201, body={}),
    ("WS", "/api/v1/ws/tasks/{task_id}"): Row(kind=TASK_STREAM, success=101),
    ("WS", "/api/v1/ws/notifications"): Row(kind=INBOX_STREAM, success=101),
    ("WS", "/{path:path}"): Row(kind=OPEN, success=404),
    ("GET", "/api/v1/admin/redis"): Row(kind=ADMIN),
    ("GET", "/api/v1/admin/streams"): Row(kind=ADMIN),
    ("GET", "/api/v1/admin/database"): Row(kind=ADMIN),
    ("GET", "/api/v1/admin/queue"): Row(kind=ADMIN),
    ("GET", "/api/v1/admin/last-hour"): Row(kind=ADMIN),
    ("GET", "/api/v1/admin/queue/rejected"): Row(kind=ADMIN),
    ("GET", "/api/v1/admin/revocations"): Row(kind=ADMIN),
    ("POST", "/api/v1/admin/revocations"): Row(
        kind=ADMIN, success=201, body={"user_id": "mallory"}
    ),
    ("GET", SCHEDULES): Row(kind=ADMIN),
    ("POST", f"{SCHEDULES}/{{name}}/pause"): Row(kind=ADMIN),
    ("POST", f"{SCHEDULES}/{{name}}/resume"): Row(kind=ADMIN),
    ("POST", f"{SCHEDULES}/{{name}}/run"): Row(kind=ADMIN, success=202),
    ("GET", "/api/v1/session"): Row(kind=EVERYBODY),
    ("DELETE", "/api/v1/session"): Row(kind=EVERYBODY, success=204),
    ("GET", "/signin"): Row(kind=OPEN, success=401),  # without a code
    ("GET", "/livez"): Row(kind=OPEN),
    ("GET", "/readyz"): Row(kind=OPEN, query={"exclude": "workers"}),
    ("GET", "/health"): Row(kind=OPEN),
    ("GET", "/metrics"): Row(kind=OPEN),
    # pages are empty shells: what they show comes from the routes above
    ("GET", "/"): Row(kind=OPEN),
    ("GET", "/tasks/{task_id}"): Row(kind=OPEN),
    ("GET", "/tasks/{task_id}/review"): Row(kind=OPEN),
    ("GET", "/roadmaps/{roadmap_id}"): Row(kind=OPEN),
    ("GET", "/roadmaps/{roadmap_id}/concepts/{concept_id}"): Row(kind=OPEN),
    ("GET", "/reviews"): Row(kind=OPEN),
    ("GET", "/workflows/{name}"): Row(kind=OPEN, name="roadmap"),
    ("GET", "/workflows/{name}/page/{path:path}"): Row(kind=OPEN, success=404),  # it brings none
    ("GET", "/operations"): Row(kind=OPEN),
    ("GET", "/favicon.ico"): Row(kind=OPEN),
    ("GET", "/static/{path:path}"): Row(kind=OPEN),
    ("GET", "/api/docs"): Row(kind=OPEN),
    ("GET", "/api/openapi.json"): Row(kind=OPEN),
}


def routes(table: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return method and path of every route of the application, sockets and mounts included."""
    for route in table:
        if (router := getattr(route, "original_router", None)) is not None:
            yield from routes(router.routes, prefix + route.include_context.prefix)
        elif (methods := getattr(route, "methods", None)) is None:
            socket = "WebSocket" in type(route).__name__
            yield ("WS" if socket else "MOUNT"), prefix + route.path
        else:
            yield from ((method, prefix + route.path) for method in methods - {"HEAD"})


def test_every_route_has_a_row() -> None:
    """A route that nobody has decided about fails here: add its row to ROWS."""
    assert set(routes(create_app().routes)) == ROWS.keys()


async def test_everybody_gets_the_expected_answer(
    served: str, database: asyncpg.Connection
) -> None:
    """Every cell of route x caller is as ROWS says; streams and sockets are opened for real."""
    other_task = await new_task()
    wrong: dict[str, dict[str, str]] = defaultdict(dict)
    async with httpx.AsyncClient(base_url=served, timeout=20) as client:
        for (method, path), row in ROWS.items():
            things: seeds.Seeded | None = None
            for caller in CALLERS:
                wanted = expected(row.kind, caller, row.success)
                if "{" in path and (things is None or (method == "POST" and wanted < 400)):
                    things = await getattr(seeds, row.things)(database)  # what is done is done
                    notification = await seeds.notification(database, things.task_id)
                    known = {"{path:path}": "css/docs.css", "{key:anything}": "{concept_id}"}
                    for placeholder, there in known.items():
                        path = path.replace(placeholder, there)  # noqa: PLW2901
                    address = path.format(
                        task_id=things.task_id,
                        roadmap_id=things.roadmap_id,
                        concept_id=things.concepts[0],
                        notification_id=notification,
                        step="content_generation",
                        name=row.name,
                    )
                elif things is None:
                    address = path
                headers, query = credentials(
                    caller, task_id=str(things.task_id if things else new_id()), other=other_task
                )
                got = await (ask_socket if method == "WS" else ask)(
                    client, method, address, headers, row, query
                )
                if got != wanted:
                    wrong[f"{method} {path}"][caller] = f"{got}, not {wanted}"
    assert not wrong


def credentials(
    caller: str, *, task_id: str, other: object
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query of a caller."""
    headers = {
        "owner": bearer("alice"),
        "owner of unknown role": bearer("alice", role="administrator"),
        "other user": bearer("bob"),
        "admin": bearer("root", role="admin"),
        "expired": bearer("alice", role="admin", ttl_s=-1),
        "forged": FORGED,
        "not a bearer": {"Authorization": "Basic YTpi"},
    }
    query = {
        "ticket of the task": tickets.mint(Viewer(actor=ALICE), task_id=task_id),
        "ticket of another task": tickets.mint(Viewer(actor=ALICE), task_id=str(other)),
        "ticket of all": tickets.mint(Viewer(actor=ALICE), task_id=None),
        "other's ticket": tickets.mint(Viewer(actor=BOB), task_id=None),
    }
    return headers.get(caller, {}), {"ticket": query[caller]} if caller in query else {}


async def ask(
    client: httpx.AsyncClient,
    method: str,
    address: str,
    headers: dict[str, str],
    row: Row,
    query: dict[str, str],
) -> int:
    """Ask over HTTP; only the beginning of the answer is waited for. Refusals are problems."""
    body = {} if row.body is None else {"json": row.body}
    async with client.stream(
        method, address, headers=headers, params={**row.query, **query}, **body
    ) as response:
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json"
        if response.status_code == 401:
            assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["x-content-type-options"] == "nosniff"
        return response.status_code


async def ask_socket(
    client: httpx.AsyncClient,
    _method: str,
    address: str,
    headers: dict[str, str],
    _row: Row,
    query: dict[str, str],
) -> int:
    """Ask for a WebSocket."""
    base = str(client.base_url).replace("http", "ws").rstrip("/")
    url = str(httpx.URL(base + address, params=query))
    try:
        async with connect(url, additional_headers=headers, proxy=None) as socket:
            assert socket.response is not None
            return socket.response.status_code
    except InvalidStatus as refused:
        answer = refused.response
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.status_code
