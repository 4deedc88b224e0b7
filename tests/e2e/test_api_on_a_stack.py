"""The API as integrators meet it: the guide's snippets, and secrets that turn up nowhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.tokens import mint_token
from tests.e2e.faults.scripted_model import ScriptedModel
from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.e2e.conftest import RunningStack

pytestmark = pytest.mark.e2e

GUIDE: Final = Path(__file__).parents[2] / "docs" / "API.md"
SECRET: Final = "canary-signing-secret-" + "x" * 20
KEY: Final = "sk-canary-provider-key"
REFUSED_GOAL: Final = "Learn refusals"


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedModel]:
    """The language model behind the stack."""
    with ScriptedModel() as model:
        yield model


@pytest.fixture(scope="module")
def stack(
    start_stack: Callable[..., RunningStack],
    tmp_path_factory: pytest.TempPathFactory,
    model: ScriptedModel,
) -> RunningStack:
    """One stack for this module, in `jwt` mode, talking to that model, telling all it can."""
    return start_stack(
        tmp_path_factory.mktemp("api") / "data",
        AUTH="jwt",
        AUTH_SECRET=SECRET,
        LLM_PROVIDER="openai",
        LLM_BASE_URL=model.base_url,
        LLM_API_KEY=KEY,
        LOG_LEVEL="DEBUG",
    )


def _token(user: str = "alice", *, ttl_s: float = 600) -> str:
    return mint_token(SECRET, user=user, role=None, ttl_s=ttl_s)


def test_the_guide_runs_as_it_stands(stack: RunningStack, tmp_path: Path) -> None:
    """Every Python snippet of docs/API.md, one after the other, does what the guide says."""
    snippets = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) >= 6
    program = tmp_path / "guide.py"
    program.write_text("\n".join(snippets), encoding="utf-8")
    given = {"ROADMAP_API_URL": stack.info["api_url"], "ROADMAP_TOKEN": _token()}
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "review_required" in done.stdout


async def test_a_job_is_paused_run_and_resumed(stack: RunningStack) -> None:
    """From the command line: a paused job does not run by itself, runs on request, stays paused."""
    paused = _schedule(stack, "pause", "purge")
    assert (paused["paused"], paused["next_run_at"]) == (True, None)
    before = _schedule(stack, "run", "purge")["last_run_at"]

    async def ran() -> dict[str, Any] | None:
        jobs = {job["name"]: job for job in _schedule(stack, "list")["schedules"]}
        both = jobs["recover"]["last_run_at"] and jobs["purge"]["last_run_at"] != before
        return jobs["purge"] if both else None

    job = await until(ran, within_s=30, what="beat's own run, and the one that was asked for")
    assert job
    assert (job["paused"], job["outcome"]) == (
        True,
        {"events": 0, "rejected": 0, "notifications": 0},
    )
    resumed = _schedule(stack, "resume", "purge")
    assert (resumed["paused"], resumed["next_run_at"] is None) == (False, False)


def test_tokens_are_taken_back_from_the_command_line(stack: RunningStack) -> None:
    """`roadmap revoke` refuses a token by itself or all of a user, and lists what is refused."""
    first, second = _token("mallory"), _token("mallory")
    for word, left in ((first, [401, 200]), ("--user=mallory", [401, 401])):
        command = [sys.executable, "-m", "cli", "revoke", word, "--data-dir", str(stack.folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "token " in done.stdout
        answers = []
        for token in (first, second):
            with stack.client(token=token) as api:
                answers.append(api.get("/api/v1/tasks").status_code)
        assert answers == left
    assert "user mallory" in done.stdout


def _schedule(stack: RunningStack, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "cli", "schedule", *words, "--json"]
    done = subprocess.run(
        [*command, "--data-dir", str(stack.folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


async def test_secrets_turn_up_nowhere(stack: RunningStack, model: ScriptedModel) -> None:
    """Keys, passwords, tokens and tickets are in no log, event, argument, Flower page or error."""
    token, over = _token(), _token(ttl_s=-1)
    seen: list[str] = []
    with stack.client(token=token) as api:
        ticket = _ticket(api)
        seen += _provoke_errors(api, over=over, ticket=ticket)
        model.rule("status", goal=f"{REFUSED_GOAL}$", status=401, body=f"bad key {KEY}")
        task = api.post("/api/v1/tasks", json={"goal": REFUSED_GOAL, "review": False}).json()

        async def failed() -> bool:
            return bool(api.get(task["links"]["self"]).json()["status"] == "failed")

        await until(failed, within_s=60, what="a task whose key is refused")
        seen += [api.get(task["links"][name]).text for name in ("self", "events")]
    seen += _operators_pages(stack, task["task_id"])
    async with _database(stack) as database:
        await database.execute(  # whoever writes next has to tell of it
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        seen += await _all_rows(database)
    with stack.client(token=token) as api:
        seen += [api.get("/readyz").text, api.get("/health").text, api.get("/metrics").text]
    secrets = {
        "provider key": KEY,
        "signing secret": SECRET,
        "bearer token": token,
        "expired token": over,
        "ticket": ticket,
        "database password": urlsplit(stack.info["database_url"]).password,
        "redis password": urlsplit(stack.info["redis_url"]).password,
    }
    logs = [*(stack.folder / "logs").glob("*"), stack.folder.parent / f"{stack.folder.name}.log"]
    written = {str(path): path.read_text(errors="replace") for path in logs}
    assert any("task_failed" in text for text in written.values()), "the logs are these"
    assert any("provider_unauthorized" in text for text in seen), "errors were provoked"
    for name, secret in secrets.items():
        if secret is None:
            continue
        assert not [path for path, text in written.items() if secret in text], f"{name} in a log"
        assert not [text[:500] for text in seen if secret in text], f"{name} in an answer"


def _ticket(api: httpx.Client) -> str:
    return str(api.post("/api/v1/stream-tickets", json={}).json()["ticket"])


def _provoke_errors(api: httpx.Client, *, over: str, ticket: str) -> list[str]:
    """Misuse each secret where it is not taken, and return what is answered."""
    answers = [
        api.get("/api/v1/tasks", headers={"Authorization": f"Bearer {over}"}),
        api.get("/api/v1/tasks", headers={"Authorization": f"Basic {over}"}),
        api.get("/api/v1/tasks", params={"cursor": over[:90]}),
        httpx.get(api.base_url.join("/api/v1/notifications/stream"), params={"ticket": over}),
        api.post("/api/v1/tasks", json={"goal": "", "api_key": KEY, "preferences": {"level": KEY}}),
        api.post("/api/v1/tasks", content=f'{{"goal": "{KEY}'),
        api.get("/api/v1/admin/redis"),
        api.get("/api/v1/admin/database"),
    ]
    assert all(answer.is_error for answer in answers), [answer.status_code for answer in answers]
    address = str(api.base_url).replace("http", "ws").rstrip("/") + "/api/v1/ws/tasks/1"
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{address}?ticket={ticket}", proxy=None).close()
    body = refused.value.response.body or b""
    return [_without_own_words(answer) for answer in answers] + [bytes(body).decode()]


def _without_own_words(answer: httpx.Response) -> str:
    """Return an answer without the address that was asked for: it repeats what it was sent."""
    document: dict[str, Any] = answer.json()
    document.pop("instance", None)
    return str(document)


def _operators_pages(stack: RunningStack, task_id: str) -> list[str]:
    """Return what admins and Flower show."""
    admin = mint_token(SECRET, user="root", role="admin", ttl_s=60)
    with stack.client(token=admin) as api:
        names = ("redis", "database", "queue", "streams", "schedules")
        answers = [api.get(f"/api/v1/admin/{name}") for name in names]
    login = (stack.folder / "flower_auth").read_text().strip()
    user, _, password = login.partition(":")
    flower = httpx.Client(base_url=stack.info["flower_url"], auth=(user, password), timeout=30)
    with flower:
        paths = ("/workers?refresh=1", "/tasks", f"/task/{task_id}", "/broker", "/api/tasks")
        answers += [flower.get(path) for path in paths]
    assert all(answer.status_code == 200 for answer in answers), [a.url for a in answers]
    assert task_id in answers[-1].text, "Flower saw the deliveries"
    return [answer.text for answer in answers]


@asynccontextmanager
async def _database(stack: RunningStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.info["database_url"].replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


async def _all_rows(database: asyncpg.Connection) -> list[str]:
    """Return all that is stored, table by table."""
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = []
    for (table,) in tables:
        rows = await database.fetch(f'SELECT to_jsonb(t)::text FROM "{table}" t')  # noqa: S608
        found += [row[0] for row in rows]
    return found
