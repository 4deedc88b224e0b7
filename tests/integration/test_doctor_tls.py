"""Certificates that nobody here trusts, or that a server refuses, as the doctor tells of them."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from cli.postgres_checks import check_postgres
from cli.service_checks import check_broker, check_redis
from core.settings import load_settings
from tests.integration.test_redis_secured import make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from cli.findings import Finding


@asynccontextmanager
async def encrypted(certificate: Path, *, asks: bool) -> AsyncIterator[int]:
    """Let a port do the beginning that all of them have, TLS, PostgreSQL's included.

    Args:
        certificate: The server's.
        asks: It wants one of the client's, signed by its own.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    context.set_alpn_protocols(["postgresql"])
    if asks:
        context.load_verify_locations(certificate)
        context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            await reader.read(100)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def told(address: str) -> str:
    """Return what the doctor says of an address."""

    def look() -> list[Finding]:
        if address.startswith("postgresql"):
            return check_postgres(address, load_settings())
        return check_redis(address) if address.startswith("rediss") else check_broker(address)

    (finding,) = await asyncio.to_thread(look)
    assert not finding.ok
    return finding.message


KINDS = [
    ("postgresql://u:p@127.0.0.1:{}/d?sslmode=verify-full&sslnegotiation=direct",
     "sslrootcert", "sslcert", "sslkey"),
    ("rediss://127.0.0.1:{}/0?ssl_cert_reqs=required", "ssl_ca_certs", "ssl_certfile",
     "ssl_keyfile"),
    ("amqps://u:p@127.0.0.1:{}/v?verify=verify_peer", "cacertfile", "certfile", "keyfile"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "authority", "own", "key"), KINDS)
async def test_certificates(
    tmp_path: Path, address: str, authority: str, own: str, key: str
) -> None:
    """Each kind of address names its parameter for the authority, and for our own certificate."""
    for name in ("servers", "ours"):
        (tmp_path / name).mkdir()
    servers, ours = make_certificate(tmp_path / "servers"), make_certificate(tmp_path / "ours")
    async with encrypted(servers, asks=False) as port:
        assert f": {authority} in the address" in await told(address.format(port))
    given = f"&{authority}={servers}&{own}={ours}&{key}={ours.with_suffix('.key')}"
    async with encrypted(servers, asks=True) as port:
        assert f"refuse our certificate, which {own}" in await told(address.format(port) + given)
