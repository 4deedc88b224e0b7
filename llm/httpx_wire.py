"""Speaks to a server by httpx, which is slower and bears more than `llm.wire` does.

It goes through SOCKS proxies (`pip install socksio`), and it reads what aiohttp refuses: a length
beside a body in chunks, bytes behind the end of an answer.
"""

from __future__ import annotations

import re
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import httpx

from llm.certificates import trusted_here
from llm.failures import (
    BadAddressError,
    RefusedError,
    UnconnectedError,
    UnreachedProxyError,
    WireError,
    excerpt,
)
from llm.told import BY_PROXY, Told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from llm.connection import Target
    from llm.wire import Answer

_NOT_LET_IN: Final = re.compile(r"\AInvalid username|\ARequested .* from proxy|by ruleset")
"""What httpx says of a SOCKS proxy that wants another login, or forbids the way."""


class HttpxWire:
    """A `Wire` that httpx speaks over."""

    def __init__(self, target: Target, *, connect_s: float, kept: bool = True) -> None:
        """Take the addresses; made in the event loop that uses it.

        Args:
            target: Where the server is and how it is reached.
            connect_s: How long a connection may take to be made.
            kept: Whether connections serve further requests; with bytes left in them they cannot.
        """
        self._target = target
        self._connect_s = connect_s
        self._client = httpx.AsyncClient(
            headers=target.headers,
            proxy=target.proxy,
            verify=trusted_here(),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=None if kept else 0
            ),
            timeout=httpx.Timeout(None, connect=connect_s),
        )

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[Answer]:
        """Send a request."""
        request = self._client.build_request("POST", self._target.url, content=body)
        response = await sent(self._client, request, self._target, connect_s=self._connect_s)
        try:
            yield _HttpxAnswer(response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def sent(
    client: httpx.AsyncClient, request: httpx.Request, target: Target, *, connect_s: float
) -> httpx.Response:
    """Send a request of httpx's, and return the answer that has begun.

    Args:
        client: What sends it.
        request: The request.
        target: Where it is sent.
        connect_s: How long a connection may take to be made.

    Raises:
        UnconnectedError: No connection was made in time.
        WireError: There is no answer.
        BadAddressError: There can be none.
    """
    try:
        return await client.send(request, stream=True)
    except Exception as error:
        if not _is_of_sending(error):
            raise
        raise _not_sent(error, target, connect_s=connect_s) from error


def _not_sent(error: Exception, target: Target, *, connect_s: float) -> Exception:
    """Return our error for a request of httpx's to which no answer has begun."""
    if isinstance(error, httpx.TimeoutException):
        return UnconnectedError(connect_s, proxy=target.shown_proxy)
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)):
        return BadAddressError()
    if isinstance(error, httpx.ProxyError) and _NOT_LET_IN.search(str(error)):
        return RefusedError(Told(status=BY_PROXY, message=f"the proxy answers {error}"))
    if isinstance(error, httpx.ProxyError) or _is_of_socks(error):
        return UnreachedProxyError(target.shown_proxy, excerpt(str(error)))
    if target.proxy and isinstance(error, httpx.ConnectError) and not _is_of_tls(error):
        return UnreachedProxyError(target.shown_proxy)
    return WireError(_no_http(error))


class _HttpxAnswer:
    """An `Answer` of httpx's."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self._response = response
        self._pieces = response.aiter_bytes()

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def piece(self) -> bytes:
        try:
            return await anext(self._pieces, b"")
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.HTTPError, OSError) as error:
            raise WireError from error


def _is_of_sending(error: Exception) -> bool:
    """Tell whether httpx, or what it sends by, says with this error that a request was not sent."""
    known = isinstance(error, (httpx.HTTPError, httpx.InvalidURL, OSError))
    return known or _is_of_socks(error)


def _is_of_socks(error: Exception) -> bool:
    """Tell of an error of the library for SOCKS, which httpx lets pass as it is."""
    return type(error).__module__.partition(".")[0] == "socksio"


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _no_http(error: Exception) -> str:
    """Say against which rule of HTTP an answer is, if that is it; not what stands in it."""
    if not isinstance(error, httpx.RemoteProtocolError):
        return ""
    return f"its answer is no proper HTTP: {str(error).partition(': ')[0].rstrip('.')}"
