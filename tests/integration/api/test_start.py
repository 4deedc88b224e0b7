"""What the API needs to start: not Celery, which is a good part of a second of CPU."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from tests.integration.api.conftest import bearer

if TYPE_CHECKING:
    import asyncpg
    from redis.asyncio import Redis

_SERVE: Final = """
import asyncio, sys

import httpx
from api.app import create_app
from db.facts import Reason
from workflow import doorbell

def told() -> str:
    return ",".join(sorted({name.partition(".")[0] for name in sys.modules} & {"celery", "kombu"}))

async def main() -> None:
    app = create_app()
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for path in ("/livez", "/api/openapi.json"):
                assert (await client.get(path)).status_code == 200, path
            print(f"served: {told()}")
            body = {"goal": "Learn to juggle", "review": False}
            answer = await client.post("/api/v1/tasks", json=body, headers={"Authorization": TOKEN})
            assert answer.status_code == 202, answer.text
    print(f"rung: {told()}")

asyncio.run(main())
"""


async def test_celery_is_imported_for_the_first_ring(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None
) -> None:
    """An API that has served requests and rung for nothing has not imported Celery yet."""
    token = bearer("alice")["Authorization"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _SERVE.replace("TOKEN", repr(token)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    told = [line for line in out.decode().splitlines() if line.startswith(("served:", "rung:"))]
    assert told == ["served: ", "rung: celery,kombu"]
    assert await redis.llen("roadmap") == 1, "the ring of a process that ends is sent"
