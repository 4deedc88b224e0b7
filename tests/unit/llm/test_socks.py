"""What a SOCKS proxy refuses, in the words of the library that asks it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from llm.failures import RefusedError, UnreachedProxyError
from llm.httpx_wire import _not_sent
from llm.told import BY_PROXY


class _Target:
    shown_proxy = "the proxy 127.0.0.1:1"
    proxy = "socks5://127.0.0.1:1"


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("Invalid username/password", True),
        (
            "Requested NO AUTHENTICATION REQUIRED from proxy server, but got USERNAME/PASSWORD.",
            True,
        ),
        ("Requested USERNAME/PASSWORD from proxy server, but got NO ACCEPTABLE METHODS.", True),
        ("Proxy Server could not connect: Connection not allowed by ruleset.", True),
        ("Proxy Server could not connect: Connection refused.", False),
        ("Proxy Server could not connect: Host unreachable.", False),
    ],
)
def test_a_refusal_is_told_from_an_outage(said: str, settings: bool) -> None:  # noqa: FBT001 - a parameter
    """A login or rule that stands in the way is a matter of settings, as an HTTP proxy's 407 is."""
    target: Any = _Target()
    found = _not_sent(httpx.ProxyError(said), target, connect_s=1)
    if settings:
        assert isinstance(found, RefusedError)
        assert (found.told.status, said in found.told.message) == (BY_PROXY, True)
    else:
        assert isinstance(found, UnreachedProxyError)
