"""Does a resource's address exist? Dropped only when it definitely does not."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from core.logging import get_logger
from core.settings import Provider, get_settings
from workflow.llm.presets import base_url_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

log = get_logger(__name__)

CHECK_TIMEOUT_S: Final = 4.0
GONE: Final = frozenset({404, 410})
_WEB: Final = frozenset({"http", "https"})


async def check_resources(drafts: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the resources whose address is not known to be gone, each with `verified`.

    What cannot be checked (no network, refused, slow) stays, unverified. Addresses that are no web
    addresses are dropped. The sample author's are not looked up: it works offline.
    """
    checked = await asyncio.gather(*(_verdict(draft.url) for draft in drafts))
    return [
        draft.model_dump(mode="json") | {"verified": verdict is True}
        for draft, verdict in zip(drafts, checked, strict=True)
        if verdict is not False
    ]


async def _verdict(url: str) -> bool | None:
    """Return True when the address answers, False when it is gone, None when nobody knows."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme not in _WEB or not host:
        return False
    settings = get_settings()
    if settings.llm_provider is Provider.SAMPLE:
        return None
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            default = 443 if parts.scheme == "https" else 80
            if not await _may_be_asked(host, port or default):
                return None
            async with httpx.AsyncClient(
                verify=_certificates(), follow_redirects=False, trust_env=False
            ) as client:
                answer = await client.head(url)
                if answer.status_code in GONE:  # some servers know no HEAD: ask as a browser does
                    answer = await client.get(url, headers={"Range": "bytes=0-0"})
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
        log.debug("link_not_checked", host=host, error=type(error).__name__)
        return None
    if answer.status_code in GONE:
        return False
    return True if answer.is_success or answer.is_redirect else None


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read the trusted certificates once: it takes 90 ms, and each client would, in the loop."""
    return httpx.create_ssl_context(trust_env=False)


async def _may_be_asked(host: str, port: int) -> bool:
    """Tell whether a host is public, so that a model cannot make us knock at inner doors.

    Only when the model's own server is on loopback (development, tests) is loopback asked too.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    if addresses and all(address.is_global for address in addresses):
        return True
    model_host = urlsplit(base_url_of(get_settings())).hostname or ""
    return _is_loopback(model_host) and all(address.is_loopback for address in addresses)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
