"""Asks a language model's server which models it has, within bounds of time and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from core import timeouts
from llm.connection import NO_KEY, Target, headers_for, target_of, without_query
from llm.failures import WireError, excerpt
from llm.httpx_wire import sent
from llm.packing import still_packed
from llm.presets import base_url_of

if TYPE_CHECKING:
    from core.settings import Settings

TIMEOUT_S: Final = 10.0
NO_LIST: Final = frozenset({404, 405, 501})
"""Statuses of servers that have no list."""
_OF_BODY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that no longer hold of a body that was taken."""
LARGEST: Final = 8_000_000
"""Bytes of an answer; a list of thousands of models has one."""


async def asked(settings: Settings, key: str) -> tuple[httpx.Response, bool]:
    """Ask for the list of models, and a server that has none for one token.

    Returns:
        The answer, and whether it is one about models.

    Raises:
        TimeoutError: It is not there in time, however it trickles.
        WireError: There is no answer.
        BadAddressError: There can be none.
        SettingsError: The environment names a proxy that cannot be used.
    """
    url = base_url_of(settings)
    target = target_of(url, key=key or NO_KEY)
    base, query = without_query(url)
    base = base.rstrip("/")
    async with httpx.AsyncClient(
        timeout=TIMEOUT_S,
        headers=headers_for(url, key=key or NO_KEY),
        params=dict(query),
        # as the work does it: an address on this network is asked without a proxy
        trust_env=False,
        proxy=target.proxy,
        verify=httpx.create_ssl_context(trust_env=True),
    ) as client:
        response = await _answered(client.build_request("GET", f"{base}/models"), client, target)
        if response.status_code not in NO_LIST:
            return response, True
        messages = [{"role": "user", "content": "Hi"}]
        body = {"model": settings.llm_model, "max_tokens": 1, "messages": messages}
        request = client.build_request("POST", f"{base}/chat/completions", json=body)
        return await _answered(request, client, target), False


async def _answered(
    request: httpx.Request, client: httpx.AsyncClient, target: Target
) -> httpx.Response:
    """Return an answer as far as it is worth reading, in a bounded time."""
    body = bytearray()
    async with timeouts.timeout(TIMEOUT_S):
        answer = await sent(client, request, target, connect_s=TIMEOUT_S)
        try:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    break
        except httpx.HTTPError as error:
            raise WireError(excerpt(str(error))) from error
        finally:
            await answer.aclose()
    if why := still_packed(answer.headers, bytes(body)):
        raise WireError(why)
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_BODY}
    return httpx.Response(answer.status_code, headers=headers, content=bytes(body))
