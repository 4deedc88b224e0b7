"""HEAD answers as GET does, without a body; below a sub-path every address is below it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from core.settings import get_settings
from tests.factories import new_task
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer, in_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx
    from redis.asyncio import Redis


async def test_head_is_get_without_a_body(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Probes, pages, files and resources answer HEAD; only streams, which have no end, do not."""
    seeded = await seeds.roadmap(database)
    paths = (await alice.get("/api/openapi.json")).json()["paths"]
    asked = [path for path, operations in paths.items() if "get" in operations]
    asked += ["/", "/operations", "/api/docs", "/api/openapi.json", "/static/roadmap-client.js"]
    asked += ["/tasks/{task_id}", "/roadmaps/{roadmap_id}", "/favicon.ico", "/nowhere"]
    asked += ["/roadmaps/{roadmap_id}/concepts/{concept_id}", "/tasks/{task_id}/review"]
    known = {
        "task_id": seeded.task_id,
        "roadmap_id": seeded.roadmap_id,
        "concept_id": seeded.concepts[0],
    }
    for template in asked:
        if "{" in re.sub(r"\{(task|roadmap|concept)_id\}", "", template):
            continue
        path = template.format(**known)
        head = await alice.head(path)
        assert head.content == b""
        if path.endswith("/stream"):
            assert head.status_code == 405
            assert head.headers["allow"] == "GET"
            continue
        get = await alice.get(path)
        assert head.status_code == get.status_code, path
        assert head.headers["content-type"] == get.headers["content-type"], path
        assert head.headers.get("etag") == get.headers.get("etag"), path
    assert (await alice.head("/api/v1/stream-tickets")).status_code == 405
    assert "HEAD" in (await alice.delete("/api/v1/tasks")).headers["allow"]
    metrics = (await alice.get("/metrics")).text
    assert (
        'roadmap_http_requests_total{method="HEAD",route="/api/v1/tasks",status="200"}' in metrics
    )


@pytest.fixture(params=["setting", "header", "header, taken off"])
async def mounted(
    request: pytest.FixtureRequest,
    database: asyncpg.Connection,
    redis: Redis,
    jwt_mode: None,
    settings_env: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client behind a proxy at /learn, and what it puts before addresses that it asks."""
    headers = bearer()
    if request.param == "setting":
        settings_env.setenv("ROADMAP_API_ROOT_PATH", "/learn")
    else:
        settings_env.setenv("ROADMAP_TRUSTED_PROXIES", "127.0.0.1")
        headers["X-Forwarded-Prefix"] = "/learn/"
    get_settings.cache_clear()
    async with in_process() as client:
        client.headers.update(headers)
        yield client, "" if request.param == "header, taken off" else "/learn"


async def test_every_address_is_below_the_sub_path(
    mounted: tuple[httpx.AsyncClient, str], database: asyncpg.Connection
) -> None:
    """Links, Location, Link, files, pages, docs and OpenAPI lead to where the proxy shows us."""
    client, put = mounted

    async def get(address: str) -> httpx.Response:
        """Ask as the proxy does for an address that was given out."""
        assert address.startswith("/learn/"), address
        return await client.get(put + address.removeprefix("/learn"))

    made = await client.post(f"{put}/api/v1/tasks", json={"goal": "Kites"})
    assert made.status_code == 202
    for address in (made.headers["location"], *made.json()["links"].values()):
        assert address is None or address.startswith("/learn/api/v1/")
    assert (await get(made.headers["location"])).status_code == 200
    await new_task(user="alice")
    page = await client.get(f"{put}/api/v1/tasks?limit=1")
    assert (await get(page.links["next"]["url"])).status_code == 200
    home = await client.get(f"{put}/")
    assert 'data-base="/learn"' in home.text
    addresses = re.findall(r'(?:src|href)="(/[^"]*)"', home.text)
    assert addresses
    for address in addresses:
        assert (await get(address)).status_code == 200, address
    docs = await client.get(f"{put}/api/docs")
    for address in re.findall(r"href='(/[^']*)'", docs.text):
        assert (await get(address)).status_code == 200
    schema = (await client.get(f"{put}/api/openapi.json")).json()
    assert schema["servers"][0] == {"url": "/learn"}
    assert (await client.get("/livez")).status_code == 200
    missing = await client.get(f"{put}/api/v1/nowhere")
    assert missing.status_code == 404
    metrics = (await client.get(f"{put}/metrics")).text
    assert 'method="GET",route="/api/v1/tasks"' in metrics


@pytest.fixture
def trusted_proxy(jwt_mode: None, settings_env: pytest.MonkeyPatch) -> None:
    """Whoever asks from this machine is a proxy whose headers count."""
    settings_env.setenv("ROADMAP_TRUSTED_PROXIES", "127.0.0.1")
    get_settings.cache_clear()


STRANGE = ("//evil.example", "/a b", "/<x>", "evil", "/a//b", "/../x", '/"', "/" + "a" * 5000)


async def test_a_strange_sub_path_is_none(
    database: asyncpg.Connection,
    redis: Redis,
    trusted_proxy: None,
    settings_env: pytest.MonkeyPatch,
) -> None:
    """What is no plain path is taken for no sub-path at all; from strangers none is taken."""
    async with in_process() as client:
        for prefix in STRANGE:
            home = await client.get("/", headers={"X-Forwarded-Prefix": prefix})
            assert 'data-base=""' in home.text
    settings_env.delenv("ROADMAP_TRUSTED_PROXIES")
    get_settings.cache_clear()
    async with in_process() as client:
        refused = await client.get("/", headers={"X-Forwarded-Prefix": "/learn"})
        assert refused.status_code == 400


async def test_a_sub_path_may_be_called_like_our_own_addresses(
    database: asyncpg.Connection,
    redis: Redis,
    trusted_proxy: None,
) -> None:
    """`/roadmaps` is the example of our own documents, and pages of roadmaps begin so, too."""
    seeded = await seeds.roadmap(database)
    of_roadmap, of_task = f"/roadmaps/{seeded.roadmap_id}", f"/tasks/{seeded.task_id}"
    pages = {
        of_roadmap: "roadmap",
        f"{of_roadmap}/concepts/{seeded.concepts[0]}": "concept",
        of_task: "task",
        f"{of_task}/review": "review",
        "/": "home",
        "/reviews": "reviews",
    }
    async with in_process() as client:
        client.headers.update(bearer())
        for prefix in ("/roadmaps", "/tasks", "/api", "/learn"):
            client.headers["X-Forwarded-Prefix"] = prefix
            for put in ("", prefix):
                for path, page in pages.items():
                    answer = await client.get(put + path)
                    assert f'data-page="{page}"' in answer.text, (prefix, put, path)
                answer = await client.get(f"{put}/api/v1{of_task}")
                assert answer.json()["links"]["self"] == f"{prefix}/api/v1{of_task}"


async def test_a_sub_path_without_its_slash_is_home(
    database: asyncpg.Connection,
    redis: Redis,
    jwt_mode: None,
    settings_env: pytest.MonkeyPatch,
) -> None:
    """Somebody who types `example.org/learn` is at home, as at `example.org/learn/`."""
    settings_env.setenv("ROADMAP_API_ROOT_PATH", "/learn")
    get_settings.cache_clear()
    async with in_process() as client:
        assert 'data-page="home"' in (await client.get("/learn")).text
