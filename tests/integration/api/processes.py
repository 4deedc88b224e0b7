"""The API as a process of its own, as it is started in earnest."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from embedded.ports import free_port
from tests.factories import until

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True)
class Api:
    """A running API: its address, its process, and what it has logged when it is over."""

    address: str
    process: Process
    log: list[bytes]


@asynccontextmanager
async def running_api() -> AsyncIterator[Api]:
    """Run the API with this process's settings; yields once it answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", "--port", str(port), stderr=asyncio.subprocess.PIPE
    )
    log: list[bytes] = []
    assert process.stderr is not None
    drain = asyncio.create_task(_drain(process.stderr, log))
    try:
        async with httpx.AsyncClient() as client:

            async def alive() -> bool:
                assert process.returncode is None, b"".join(log).decode()
                try:
                    return (await client.get(f"{address}/livez")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(alive, within_s=60, what="the API")
        yield Api(address, process, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await drain


async def _drain(stream: asyncio.StreamReader, log: list[bytes]) -> None:
    log.extend([line async for line in stream])
