"""Checks, before anything else, which host a request names and who forwarded it.

A page of another site can let a name of its own point to 127.0.0.1, and a proxy can make the whole
internet look like this machine. So every request, whatever its address, must name a host that is
ours, and what it says of being forwarded counts only from proxies that are named in the settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocket

from api.problems import problem
from core.choices import AuthMode
from core.hosts import address_of, is_loopback, matches, name_in, within
from core.settings import get_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

REFUSED: Final = 400
WRONG_HOST: Final = "host_not_allowed"
FORWARDED: Final = "forwarding_not_trusted"
_FORWARDING: Final = frozenset(
    {
        "forwarded",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-host",
        "true-client-ip",
        "cf-connecting-ip",
    }
)
_PREFIX: Final = "x-forwarded-"
_SCHEMES: Final = {"http": ("http", "ws"), "https": ("https", "wss")}


class Gate:
    """Refuses requests that come by a wrong name or through an unknown proxy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in {"http", "websocket"}:
            return await self.app(scope, receive, send)
        headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]]
        refusal = _wrong_host(headers) or _untrusted(scope, headers)
        if refusal is None:
            return await self.app(_as_forwarded(scope, headers), receive, send)
        code, reason = refusal
        answer = problem(REFUSED, code=code, detail=reason, instance=scope["path"])
        if scope["type"] == "websocket":
            return await WebSocket(scope, receive, send).send_denial_response(answer)
        return await answer(scope, receive, send)


def _wrong_host(headers: list[tuple[str, str]]) -> tuple[str, str] | None:
    given = [value for name, value in headers if name == "host"]
    settings = get_settings()
    if len(given) == 1:
        name = name_in(given[0])
        if name is not None and (
            is_loopback(name)
            or matches(name, (settings.api_host, *settings.allowed_hosts))
            # nobody can let an address point to another host, as a name can
            or (settings.auth is AuthMode.JWT and address_of(name) is not None)
        ):
            return None
    elif not given and settings.auth is AuthMode.JWT:
        return None  # HTTP/1.0, as simple health checks speak it
    return WRONG_HOST, (
        "This API is not known under the host that was asked for. Ask for 127.0.0.1 or localhost,"
        " or name the host in ROADMAP_ALLOWED_HOSTS."
    )


def _untrusted(scope: Scope, headers: list[tuple[str, str]]) -> tuple[str, str] | None:
    settings = get_settings()
    speaks = [name for name, _ in headers if name in _FORWARDING or name.startswith(_PREFIX)]
    if settings.auth is not AuthMode.JWT:  # through a proxy anybody may come
        speaks += [name for name, _ in headers if name == "via"]
    if not speaks:
        return None
    if settings.auth is AuthMode.NONE:
        return FORWARDED, (
            f"This request was forwarded ({speaks[0]}), and with ROADMAP_AUTH=none everybody"
            " behind a proxy would be the admin. Ask directly, or set ROADMAP_AUTH=jwt."
        )
    peer = scope.get("client")
    if peer is not None and within(peer[0], settings.trusted_proxies):
        return None
    return FORWARDED, (
        f"This request was forwarded ({speaks[0]}) by a proxy that ROADMAP_TRUSTED_PROXIES does"
        " not name. Add the proxy's address there, or let it leave such headers out."
    )


def _as_forwarded(scope: Scope, headers: list[tuple[str, str]]) -> Scope:
    """Return the request as the trusted proxy got it: from its client, by its scheme."""
    told = {name: value for name, value in headers if name.startswith(_PREFIX)}
    standard = _elements(headers)
    if not told and not standard:
        return scope
    changed: dict[str, object] = {"forwarded_by": scope["client"]}
    said = told.get("x-forwarded-proto") or (standard[-1].get("proto", "") if standard else "")
    proto = said.rsplit(",", 1)[-1].strip().lower()
    if proto in _SCHEMES:
        changed["scheme"] = _SCHEMES[proto][scope["type"] == "websocket"]
    chain = [v for n, v in headers if n == "x-forwarded-for"]
    client = _client(",".join(chain or [each.get("for", "") for each in standard]))
    if client is not None:
        changed["client"] = (client, 0)
    scope.update(changed)  # in place: the middleware around this logs it afterwards
    return scope


def _elements(headers: list[tuple[str, str]]) -> list[dict[str, str]]:
    """Return what each proxy said in `Forwarded` (RFC 7239), ours last.

    No value of ours has a comma or a semicolon, and what is before ours may be anything.
    """
    chain = ",".join(value for name, value in headers if name == "forwarded")
    pairs = ([pair.partition("=") for pair in each.split(";")] for each in chain.split(","))
    elements = [{n.strip().lower(): v.strip().strip('"') for n, _, v in each} for each in pairs]
    return elements if chain else []


def _client(chain: str) -> str | None:
    """Return the last address of a chain that is none of our proxies; what is before it may lie."""
    trusted = get_settings().trusted_proxies
    for text in reversed(chain.split(",")):
        given = text.strip()
        address = address_of(given) or address_of(name_in(given))  # some proxies add the port
        if address is None:
            return None
        if not within(str(address), trusted):
            return str(address)
    return None
