"""Hosts and addresses: which are this machine, which are trusted, what a Host header says."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from core.choices import AuthMode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.settings import Settings

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?")
_USUAL_PORTS: Final = {"http": 80, "https": 443}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(text: str | None) -> Address | None:
    """Return an address as it is meant: without brackets and zone, IPv4 in IPv6 as IPv4."""
    try:
        found = ipaddress.ip_address(without_brackets(text or "").split("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name or address is this machine and only this machine."""
    if host is None:
        return False
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = address_of(host)
    return address is not None and address.is_loopback


def within(address: str | None, networks: Iterable[str]) -> bool:
    """Tell whether an address belongs to one of the networks."""
    found = address_of(address)
    return found is not None and any(
        found in ipaddress.ip_network(network, strict=False) for network in networks
    )


def name_in(host: str) -> str | None:
    """Return the name or address in a Host header; None when it is none."""
    match = _HOST.fullmatch(host)
    if match is None or (match[2] is not None and int(match[2]) > 65535):  # noqa: PLR2004 - ports
        return None
    return without_brackets(match[1]).lower().rstrip(".") or None


def is_host(text: str) -> bool:
    """Tell whether this is a name or an address alone: no scheme, no port, no path."""
    return address_of(text) is not None or name_in(text) == text.lower().rstrip(".")


def without_brackets(host: str) -> str:
    """Return a host as sockets take it: an IPv6 address without the brackets of addresses."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def is_origin_of(origin: str, host: str | None) -> bool:
    """Tell whether an Origin header names the host that a request was sent to.

    Browsers leave a scheme's own port out, and proxies that pass the port on put it in.
    """
    try:
        parts = urlsplit(origin)
        usual = _USUAL_PORTS.get(parts.scheme) if parts.port is None else None
    except ValueError:
        return False
    name = parts.netloc.lower()
    return bool(host) and str(host).lower() in {name, name if usual is None else f"{name}:{usual}"}


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name is one of the patterns; `.example.com` is all names below it, `*` any."""
    for pattern in patterns:
        wanted = without_brackets(pattern.lower().rstrip("."))
        if wanted in {"*", name} or (wanted.startswith(".") and name.endswith(wanted)):
            return True
    return False


def too_trusting(settings: Settings) -> str | None:
    """Return what is wrong with settings that let others in without credentials, if any does."""
    if settings.auth is not AuthMode.NONE:
        return None
    if settings.trusted_proxies:
        return (
            "ROADMAP_TRUSTED_PROXIES: with ROADMAP_AUTH=none everybody behind a proxy would be the"
            " admin. Set ROADMAP_AUTH=jwt."
        )
    if "*" in settings.allowed_hosts:
        return (
            "ROADMAP_ALLOWED_HOSTS: with ROADMAP_AUTH=none any site could let its name point"
            " here; name the hosts, or set ROADMAP_AUTH=jwt."
        )
    return None
