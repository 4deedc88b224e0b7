"""How a request gets to a server and the answer back: one POST, whose body is read as it comes.

That is all of HTTP that a chat completion takes. A client library of a vendor does the same for
ten times the processor time, and reads an environment that is meant for other programs.
"""

from __future__ import annotations

import io
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp
import orjson
from aiohttp.http_exceptions import (
    ContentLengthError,
    HttpProcessingError,
    TransferEncodingError,
)
from yarl import URL

from llm.certificates import trusted_here
from llm.connection import Target, is_socks
from llm.failures import (
    BadAddressError,
    RefusedError,
    UnconnectedError,
    UnreachedProxyError,
    WireError,
)
from llm.packing import still_packed
from llm.reading.texts import decoded
from llm.told import BY_PROXY, Told

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

CONNECT_S: Final = 10.0
KEPT_S: Final = 4.0
"""How long an idle connection is kept: less than the five seconds after which many servers close
theirs, so that no request is sent into a connection that is just being closed."""

_LARGEST_ERROR: Final = 1_000_000
"""Bytes of an error that are read; what it says stands at its beginning."""
_LARGEST_HEAD: Final = 65_536
"""Bytes of one line of an answer's head: some gateways put a whole policy into one."""
_MOST_HEADERS: Final = 500
_LARGE: Final = 1_000_000
"""Bytes of a request from which on it is sent piece by piece."""
_LAST_OK: Final = 299
_SERVER_ERRORS: Final = 500
_ECHO: Final = re.compile(r":\s*(?:\n|b')|\. ")


class Answer(Protocol):
    """An answer whose head is there."""

    status: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, whatever the case of their letters."""
        ...

    async def piece(self) -> bytes:
        """Return what has come of the body, decompressed; nothing at its end.

        Raises:
            WireError: It breaks off.
        """
        ...


class Wire(Protocol):
    """The connections to one server, in one event loop."""

    def post(self, body: bytes) -> AbstractAsyncContextManager[Answer]:
        """Send a request; leaving the block before the end of the answer hangs up.

        Raises:
            WireError: There is no answer.
            BadAddressError: There can be none.
            RefusedError: A proxy does not let it pass.
            TimeoutError: No connection was made in time.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def open_wire(target: Target, *, connect_s: float) -> Wire:
    """Return what speaks to a server; nothing is connected yet.

    Args:
        target: Where it is and how it is reached.
        connect_s: How long a connection may take to be made.
    """
    if is_socks(target.proxy):
        from llm.httpx_wire import HttpxWire  # few need it, and it takes a library of its own

        return HttpxWire(target, connect_s=connect_s)
    return HttpWire(target, connect_s=connect_s)


def packed(request: Mapping[str, Any]) -> bytes:
    """Return a request as JSON."""
    try:
        return orjson.dumps(request)
    except TypeError:  # half a character, or a number beyond 64 bits
        return json.dumps(request, ensure_ascii=False).encode("utf-8", "replace")


def is_ok(answer: Answer) -> bool:
    """Tell whether an answer's status says that it is one; a redirect is none."""
    return 200 <= answer.status <= _LAST_OK  # noqa: PLR2004 - HTTP's own


async def whole_text(answer: Answer) -> str:
    """Return the text of an error, as far as it is worth reading."""
    body = bytearray()
    while len(body) < _LARGEST_ERROR and (piece := await answer.piece()):
        body += piece
    if why := still_packed(answer.headers, bytes(body)):
        return why
    return decoded(body, answer.headers.get("content-type", ""))


def _trust(target: Target) -> ssl.SSLContext | bool:
    """Return whom to trust, where anybody has to be: reading that takes a tenth of a second."""
    secured = any(url.lower().startswith("https:") for url in (target.url, target.proxy or ""))
    return trusted_here() if secured else True


class HttpWire:
    """Speaks HTTP/1.1 over connections that are kept, through an HTTP proxy if there is one.

    A server whose answer begins against the rules is asked in another way from then on.
    """

    def __init__(self, target: Target, *, connect_s: float) -> None:
        """Take the address; made in the event loop that uses it."""
        self._target = target
        self._connect_s = connect_s
        self._patient: Wire | None = None
        try:
            self._url = URL(target.url, encoded=target.url.isascii())
            self._proxy = URL(target.proxy) if target.proxy else None
        except ValueError as error:
            raise BadAddressError from error
        self._session = aiohttp.ClientSession(
            headers=target.headers,
            # How many requests run at a time is decided before one comes here.
            connector=aiohttp.TCPConnector(
                limit=0, ssl=_trust(target), keepalive_timeout=KEPT_S, ttl_dns_cache=30
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            # Whoever asks bounds the whole request, and so the answer's first and last byte.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
            trust_env=False,
            max_line_size=_LARGEST_HEAD,
            max_field_size=_LARGEST_HEAD,
            max_headers=_MOST_HEADERS,
        )

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[Answer]:
        """Send a request."""
        if self._patient is not None:
            async with self._patient.post(body) as answer:
                yield answer
            return
        response = await self._answered(body)
        try:
            yield _HttpAnswer(response)
        finally:
            response.release()  # what was not read to its end is hung up

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()
        if self._patient is not None:
            await self._patient.aclose()

    def _be_patient(self) -> None:
        if self._patient is None:
            from llm.httpx_wire import HttpxWire

            self._patient = HttpxWire(self._target, connect_s=self._connect_s, kept=False)

    async def _answered(self, body: bytes) -> aiohttp.ClientResponse:
        try:
            return await self._session.post(
                self._url,
                data=body if len(body) < _LARGE else io.BytesIO(body),
                proxy=self._proxy,
                allow_redirects=False,  # to an address that nobody has configured
            )
        except TimeoutError as error:
            raise UnconnectedError(self._connect_s, proxy=self._target.shown_proxy) from error
        except (aiohttp.InvalidURL, UnicodeError) as error:
            raise BadAddressError from error
        except aiohttp.ClientHttpProxyError as error:
            raise RefusedError(_refused_by_proxy(error)) from error
        except aiohttp.ClientResponseError as error:
            self._be_patient()
            raise WireError(_no_http(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            unreached = isinstance(error, aiohttp.ClientConnectorError)
            if self._proxy and unreached and not isinstance(error, aiohttp.ClientSSLError):
                raise UnreachedProxyError(self._target.shown_proxy) from error
            raise WireError from error


class _HttpAnswer:
    """An `Answer` of aiohttp's."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self._response = response
        self._content = response.content

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def piece(self) -> bytes:
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise WireError(_no_http(error)) from error


def _refused_by_proxy(error: aiohttp.ClientHttpProxyError) -> Told:
    """Return what a proxy says that opens no tunnel: it refuses, or does not reach the server."""
    said = f"the proxy answers {error.status} {error.message}".strip()
    return Told(status=error.status if error.status >= _SERVER_ERRORS else BY_PROXY, message=said)


def _no_http(error: BaseException | None) -> str:
    """Say against which rule of HTTP an answer is, if that is it; not what stands in it."""
    while error is not None and not isinstance(error, HttpProcessingError):
        error = error.__cause__
    if error is None or isinstance(error, (ContentLengthError, TransferEncodingError)):
        return ""
    return f"its answer is no proper HTTP: {_ECHO.split(error.message, maxsplit=1)[0]}"
