"""HTTP addresses: whether a proxy stands between, and how they are shown without their secrets."""

from __future__ import annotations

import ipaddress
import re
import urllib.request
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from core.addresses.text import AddressError, cleaned
from core.redaction import names_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL_ENDINGS: Final = (
    ".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc", ".cluster.local",
)  # fmt: skip
_LOGIN: Final = re.compile(r"(?<=://)[^\s/?#]*@")
_HIDDEN: Final = "***"


def http_address(value: str) -> str:
    """Return the address of an HTTP server as it was given, without blanks and quotes around it.

    Raises:
        AddressError: It is none; the message shows nothing of it.
    """
    text = cleaned(value)
    if not _is_place(text) or urlsplit(text).scheme not in ("http", "https"):
        raise AddressError("must be an address such as https://host/path")
    return text


def is_private(url: str) -> bool:
    """Tell whether an address is on this machine or network, where no proxy is asked.

    A name without a dot is a neighbour's: a container, a Kubernetes service.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_ENDINGS)
    return address.is_private or address.is_link_local or address.is_loopback


def proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the proxy that the environment wants for an address, or None.

    Raises:
        AddressError: It is one that cannot be used; the message names the variable.
    """
    bypass: Any = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # public
    if is_private(url):
        return None
    parts = urlsplit(url)
    names = [f"{parts.scheme}_proxy", "all_proxy"]
    given = {name.lower(): (name, value) for name, value in environment.items() if value.strip()}
    name, value = next((given[each] for each in names if each in given), ("", ""))
    skipped = given.get("no_proxy", ("", ""))[1]
    if not value or bypass(parts.netloc.rpartition("@")[2], {"no": skipped}):
        return None
    value = value.strip()
    if "://" not in value:
        value = f"http://{value}"
    scheme = value.partition("://")[0].lower()
    if not _is_place(value):
        raise AddressError(
            f"would be asked through the proxy of {name}, which is no address such as"
            f" http://host:3128. Correct it, or add {parts.hostname} to NO_PROXY"
        )
    if scheme in ("http", "https"):
        return value
    if scheme in ("socks5", "socks5h") and find_spec("socksio") is not None:
        return value
    if scheme.startswith("socks"):
        raise AddressError(
            f"would be asked through the SOCKS proxy of {name}, which needs: pip install socksio."
            f" Or add {parts.hostname} to NO_PROXY, or use an HTTP proxy"
        )
    raise AddressError(
        f"would be asked through the proxy of {name}, whose scheme is none of http, https and"
        f" socks5. Correct it, or add {parts.hostname} to NO_PROXY"
    )


def _is_place(url: str) -> bool:
    """Tell whether an address has a host, and a port that can be one."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        return False


def shown(url: str) -> str:
    """Return an address without what may be secret: user, password, and telling parameters."""
    bare = _LOGIN.sub("", url)
    before, mark, query = bare.partition("?")
    if not mark:
        return bare
    pairs = [each.partition("=") for each in query.split("&")]
    kept = "&".join(
        f"{name}{equals}{_HIDDEN if equals and names_secret(name) else value}"
        for name, equals, value in pairs
    )
    return f"{before}?{kept}"
