"""Asks a language model's server which models it has, within bounds of time and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from core import timeouts
from llm.connection import NO_KEY, headers_for, proxy_of, without_query
from llm.presets import base_url_of

if TYPE_CHECKING:
    from core.settings import Settings

TIMEOUT_S: Final = 10.0
NO_LIST: Final = frozenset({404, 405, 501})
"""Statuses of servers that have no list."""
LARGEST: Final = 8_000_000
"""Bytes of an answer; a list of thousands of models has one."""


async def asked(settings: Settings, key: str) -> tuple[httpx.Response, bool]:
    """Ask for the list of models, and a server that has none for one token.

    Returns:
        The answer, and whether it is one about models.

    Raises:
        TimeoutError: It is not there in time, however it trickles.
    """
    url = base_url_of(settings)
    base, query = without_query(url)
    base = base.rstrip("/")
    async with httpx.AsyncClient(
        timeout=TIMEOUT_S,
        headers=headers_for(url, key=key or NO_KEY),
        params=dict(query),
        # as the work does it: an address on this network is asked without a proxy
        trust_env=False,
        proxy=proxy_of(url),
        verify=httpx.create_ssl_context(trust_env=True),
    ) as client:
        response = await _answered(client.build_request("GET", f"{base}/models"), client)
        if response.status_code not in NO_LIST:
            return response, True
        messages = [{"role": "user", "content": "Hi"}]
        body = {"model": settings.llm_model, "max_tokens": 1, "messages": messages}
        request = client.build_request("POST", f"{base}/chat/completions", json=body)
        return await _answered(request, client), False


async def _answered(request: httpx.Request, client: httpx.AsyncClient) -> httpx.Response:
    """Return an answer as far as it is worth reading, in a bounded time."""
    body = bytearray()
    async with timeouts.timeout(TIMEOUT_S):
        answer = await client.send(request, stream=True)
        try:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    break
        finally:
            await answer.aclose()
    return httpx.Response(answer.status_code, content=bytes(body))
