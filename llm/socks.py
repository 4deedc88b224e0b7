"""Reaches a server through a SOCKS proxy, which takes another library: `pip install socksio`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from llm.certificates import trusted_here
from llm.failures import BadAddressError, WireError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from llm.connection import Target
    from llm.wire import Answer


class SocksWire:
    """A `Wire` through a SOCKS proxy."""

    def __init__(self, target: Target, *, connect_s: float) -> None:
        """Take the addresses; made in the event loop that uses it."""
        self._url = target.url
        self._client = httpx.AsyncClient(
            headers=target.headers,
            proxy=target.proxy,
            verify=trusted_here(),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None),
            timeout=httpx.Timeout(None, connect=connect_s),
        )

    @asynccontextmanager
    async def post(self, body: bytes) -> AsyncIterator[Answer]:
        """Send a request."""
        request = self._client.build_request("POST", self._url, content=body)
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TimeoutException:
            raise TimeoutError from None
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
            raise BadAddressError from error
        except (httpx.HTTPError, OSError) as error:
            raise WireError from error
        try:
            yield _SocksAnswer(response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _SocksAnswer:
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
