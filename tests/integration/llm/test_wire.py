"""What goes over the line to a model's server, and what comes back, byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
from base64 import b64encode
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from core.provider_errors import (
    ProviderAddressError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from core.settings import Settings
from llm import Call
from llm.httpx_wire import HttpxWire
from llm.openai_compatible import OpenAIAuthor
from llm.prompt import Text
from roadmaps.kinds.tutorial import Tutorial
from tests.integration.test_redis_secured import make_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ANSWER = json.dumps(
    {"choices": [{"message": {"content": '{"markdown": "# Hello"}'}, "finish_reason": "stop"}]}
).encode()


def head(status: str = "200 OK", *, length: int | None = None, more: str = "") -> bytes:
    """Return the head of an answer."""
    size = len(ANSWER) if length is None else length
    told = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n"
    return f"{told}{more}\r\n".encode()


@dataclass
class Server:
    """Answers every request alike and keeps what it was asked; a proxy, too."""

    answer: bytes = head() + ANSWER
    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    closes: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the client goes."""
        self.connections += 1
        try:
            while asked := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(asked.decode())
                if asked.startswith(b"CONNECT"):
                    await self._tunnel(asked, reader, writer)
                    return
                size = self.header("content-length")
                self.bodies.append(await reader.readexactly(int(size)))
                writer.write(self.answer)
                await writer.drain()
                if self.closes:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def header(self, name: str) -> str:
        """Return a header of the last request, or nothing."""
        for line in self.heads[-1].split("\r\n"):
            if line.lower().startswith(f"{name}: "):
                return line.partition(": ")[2]
        return ""

    async def _tunnel(
        self, asked: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        port = int(asked.split(b" ")[1].rpartition(b":")[2])
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65_536):
                    sink.write(data)
            except ConnectionError:
                pass
            finally:
                sink.close()

        await asyncio.gather(carry(reader, back), carry(there, writer))


@asynccontextmanager
async def listening(
    server: Server, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """Let it listen on a free port."""
    listener = await asyncio.start_server(server.serve, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


async def ask(base_url: str, *, text: str = "Say hello", times: int = 1, tries: int = 1) -> str:
    """Ask for a tutorial, and return it."""
    settings = Settings.model_validate(
        {"llm_provider": "openai", "llm_base_url": base_url, "llm_api_key": "sk-canary-0123"}
    )
    author = OpenAIAuthor(settings, tries=tries, backoff_s=0.01)
    try:
        call = Call(prompt=Text("tutorial", text), output=Tutorial)
        answers = [(await author.complete(call)).value.markdown for _ in range(times)]
        return answers[-1]
    finally:
        await author.aclose()


async def test_an_address_is_kept_as_it_was_written() -> None:
    """Its path and query go along, a name and password in it are sent as everywhere in HTTP."""
    async with listening(Server()) as server:
        await ask(f"http://me:p%40ss@127.0.0.1:{server.port}/v1/?api-version=2024-10-21&x=a%2Fb")

    assert server.heads[0].startswith(
        "POST /v1/chat/completions?api-version=2024-10-21&x=a%2Fb HTTP/1.1\r\n"
    )
    assert server.header("authorization") == "Basic " + b64encode(b"me:p@ss").decode()
    assert server.header("api-key") == "sk-canary-0123"
    assert server.header("host") == f"127.0.0.1:{server.port}"


async def test_an_address_of_ipv6_is_reached() -> None:
    """In brackets, as addresses are written."""
    async with listening(Server(), host="::1") as server:
        assert await ask(f"http://[::1]:{server.port}/v1") == "# Hello"


@pytest.mark.parametrize("how", ["gzip", "chunked", "until the end"])
async def test_an_answer_is_read_however_it_is_sent(how: str) -> None:
    """Compressed, in chunks, or until the server hangs up."""
    packed = gzip.compress(ANSWER)
    whole = head(length=len(packed), more="Content-Encoding: gzip\r\n") + packed
    if how == "chunked":
        chunks = (ANSWER[:20], ANSWER[20:], b"")
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    if how == "until the end":
        whole = b"HTTP/1.0 200\r\n\r\n" + ANSWER
    async with listening(Server(whole, closes=how == "until the end")) as server:
        assert await ask(f"http://127.0.0.1:{server.port}/v1") == "# Hello"
        assert "gzip" in server.header("accept-encoding")


async def test_a_cookie_is_not_kept_and_a_long_head_is_read() -> None:
    """Gateways set cookies, and tell policies in headers of many kilobytes."""
    more = f"Set-Cookie: session=1\r\nContent-Security-Policy: {'x' * 20_000}\r\n"
    async with listening(Server(head(more=more) + ANSWER)) as server:
        await ask(f"http://127.0.0.1:{server.port}/v1", times=2)

    assert server.connections == 1
    assert server.header("cookie") == ""


async def test_a_redirect_is_not_followed() -> None:
    """What a learner wrote goes to no address that nobody has configured; where to, is told."""
    async with listening(Server()) as other:
        more = f"Location: http://127.0.0.1:{other.port}/v1/chat/completions\r\n"
        async with listening(Server(head("307 Temporary Redirect", more=more) + ANSWER)) as server:
            with pytest.raises(ProviderAddressError, match=f"on to http://127.0.0.1:{other.port}/"):
                await ask(f"http://127.0.0.1:{server.port}/v1")
    assert other.heads == []


@pytest.mark.parametrize("text", ["half \ud800 of a character", "long " * 400_000])
async def test_any_text_can_be_sent(text: str) -> None:
    """Half a character is replaced; megabytes go piece by piece."""
    async with listening(Server()) as server:
        await ask(f"http://127.0.0.1:{server.port}/v1", text=text)

    said = json.loads(server.bodies[0])["messages"][-1]["content"]
    assert said.startswith(text.replace("\ud800", "?"))


async def test_an_endless_error_is_not_read_to_its_end() -> None:
    """A server that floods with a status is left after a megabyte."""
    flood = head("500 Oops", length=10**9) + b"x" * 3_000_000
    async with listening(Server(flood)) as server:
        with pytest.raises(ProviderUnavailableError) as caught:
            await asyncio.wait_for(ask(f"http://127.0.0.1:{server.port}/v1"), 10)
    assert len(caught.value.message) < 500


async def test_a_proxy_of_the_environment_is_asked_with_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It gets the whole address and its own login, the server's key goes along; NO_PROXY spares."""
    async with listening(Server()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://who:secret@127.0.0.1:{proxy.port}")
        assert await ask("http://models.example:8080/v1", times=2) == "# Hello"
        assert proxy.heads[1].startswith("POST http://models.example:8080/v1/chat/completions ")
        login = b64encode(b"who:secret").decode()
        assert proxy.header("proxy-authorization") == f"Basic {login}"
        assert proxy.header("authorization") == "Bearer sk-canary-0123"

        monkeypatch.setenv("NO_PROXY", "models.example")
        with pytest.raises(ProviderError, match="DNS"):
            await ask("http://models.example:8080/v1")
    assert len(proxy.heads) == 2


async def test_a_server_with_tls_is_reached_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The proxy sees a tunnel and no key; whom SSL_CERT_FILE names is trusted, nobody else is."""
    certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    async with listening(Server(), tls=context) as server, listening(Server()) as proxy:
        base_url = f"https://127.0.0.1:{server.port}/v1"
        with pytest.raises(ProviderUnavailableError, match=r"self-signed.*SSL_CERT_FILE"):
            await ask(base_url)

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await ask(base_url) == "# Hello"

        monkeypatch.setenv("HTTPS_PROXY", f"http://who:secret@127.0.0.1:{proxy.port}")
        monkeypatch.setattr("core.addresses.http.is_private", lambda _url: False)
        assert await ask(base_url) == "# Hello"

    assert proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{server.port} ")
    assert proxy.header("proxy-authorization") == "Basic " + b64encode(b"who:secret").decode()
    assert "canary" not in "".join(proxy.heads)
    assert len(server.heads) == 2


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("407 Proxy Authentication Required", "provider_address_wrong"),
        ("403 Forbidden", "provider_address_wrong"),
        ("502 Bad Gateway", "provider_unavailable"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_says_why(
    monkeypatch: pytest.MonkeyPatch, status: str, code: str
) -> None:
    """What it answers is told, and what another try cannot get past is not tried again."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head(status, length=0))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://who:secret@127.0.0.1:{port}")
        with pytest.raises(ProviderError, match=f"the proxy answers {status}") as caught:
            await ask("https://models.example/v1")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no proper HTTP: Bad status line)"),
        (head(more="Transfer-Encoding: chunked\r\n"), "no proper HTTP: Transfer-Encoding can't be"),
        (head(more="Content-Encoding: gzip\r\n") + ANSWER, "decode content-encoding: gzip"),
    ],
)
async def test_an_answer_against_the_rules_of_http_is_told_as_that(answer: bytes, why: str) -> None:
    """Who points at another kind of server, or through a gateway that spoils heads, reads why."""
    async with listening(Server(answer, closes=True)) as server:
        with pytest.raises(ProviderUnavailableError) as caught:
            await ask(f"http://127.0.0.1:{server.port}/v1")
    assert why in caught.value.message
    assert "SSH" not in caught.value.message


@pytest.mark.parametrize(
    "answer",
    [
        head(more="Transfer-Encoding: chunked\r\n")
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(ANSWER), ANSWER),
        head() + ANSWER + b"0\r\n\r\n",
        head(more=f"Content-Length: {len(ANSWER)}\r\n") + ANSWER,
    ],
    ids=["a length beside chunks", "bytes behind the end", "two lengths"],
)
async def test_a_gateway_that_breaks_rules_of_http_is_understood(answer: bytes) -> None:
    """One request is lost for it, and the next ones are made so that its answers can be read."""
    async with listening(Server(answer)) as server:
        assert await ask(f"http://127.0.0.1:{server.port}/v1", times=3, tries=2) == "# Hello"
    assert len(server.bodies) == 4
    assert server.bodies[0] == server.bodies[1]


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
@pytest.mark.parametrize(
    "before", ["", "Content-Type: text/event-stream\r\n", "400"], ids=["body", "stream", "error"]
)
async def test_an_answer_in_an_encoding_that_nobody_asked_for(encoding: str, before: str) -> None:
    """Its name is told, and nothing of its bytes; a text is read, whatever its head says."""
    packed = b"\x28\xb5\x2f\xfd\x04\x58" + gzip.compress(ANSWER)
    status, more = ("400 Bad Request", "") if before == "400" else ("200 OK", before)
    named = f"{more}Content-Encoding: {encoding}\r\n"
    async with listening(Server(head(status, length=len(packed), more=named) + packed)) as server:
        with pytest.raises(ProviderError, match=f"its answer is packed as {encoding}") as caught:
            await ask(f"http://127.0.0.1:{server.port}/v1", tries=2)
        assert "as it is)" in caught.value.message
        server.answer = head(more=named) + ANSWER
        assert await ask(f"http://127.0.0.1:{server.port}/v1", tries=2) == "# Hello"


@pytest.mark.parametrize("patient", [False, True])
@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ("127.0.0.1:1", "the proxy 127.0.0.1:1: connection refused"),
        ("proxy.invalid:3128", "the proxy proxy.invalid:3128: its name cannot be resolved"),
    ],
)
async def test_a_proxy_that_is_not_there_is_named(
    settings_env: pytest.MonkeyPatch, proxy: str, why: str, *, patient: bool
) -> None:
    """Else one would look for the fault at the model's server; its password is not shown."""
    if patient:
        settings_env.setattr("llm.wire.HttpWire", HttpxWire)
    settings_env.setenv("HTTP_PROXY", f"http://me:secret@{proxy}")
    with pytest.raises(ProviderUnavailableError) as caught:
        await ask("http://models.example/v1")
    assert why in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("patient", [False, True])
async def test_who_cannot_be_connected_to_is_no_slow_model(
    settings_env: pytest.MonkeyPatch, *, patient: bool
) -> None:
    """The limit of a connection is told, and not the one of an answer, which is far longer."""
    settings_env.setattr("llm.openai_compatible.CONNECT_S", 0.3)
    if patient:
        settings_env.setattr("llm.wire.HttpWire", HttpxWire)
    with socket.socket() as deaf, ExitStack() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # more than it lets wait: whoever comes next is not answered
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(deaf.getsockname())
        with pytest.raises(ProviderTimeoutError, match=r"No connection to the provider .* 0.3 s"):
            await ask(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1")
        settings_env.setenv("HTTP_PROXY", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(ProviderTimeoutError, match="No connection to the proxy"):
            await ask("http://models.example/v1")


async def test_what_a_proxy_says_is_told_by_whatever_library(
    settings_env: pytest.MonkeyPatch,
) -> None:
    """Also where the library for SOCKS raises an error of its own, which httpx lets pass."""

    class ProtocolError(Exception):
        __module__ = "socksio.exceptions"

    async def malformed(*_: object, **__: object) -> None:
        raise ProtocolError("Malformed reply")

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head("403 Not By Me", length=0))
        writer.close()

    settings_env.setattr("llm.wire.HttpWire", HttpxWire)
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        settings_env.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{port}")
        with pytest.raises(ProviderUnavailableError, match=rf"proxy 127.0.0.1:{port}: 403 Not By"):
            await ask("https://models.example/v1")
        settings_env.setattr("httpx.AsyncClient.send", malformed)
        with pytest.raises(ProviderUnavailableError, match=rf"{port}: Malformed reply"):
            await ask("https://models.example/v1")
