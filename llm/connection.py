"""Where a server is asked: its address and query, the headers with the key, the proxy."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from core.addresses import AddressError, proxy_for
from core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

_PLAIN: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": "roadmap-worker",
}
_AZURE: Final = (".azure.com", ".azure-api.net", ".azure.cn", ".azure.us")


NO_KEY: Final = "none"
"""What is sent where no key is given; local servers want none."""
UNSENDABLE: Final = "ROADMAP_LLM_API_KEY has characters that no key has; copy it again, then retry."

_INVISIBLE: Final = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_NAMED: Final = re.compile(
    r"\A(?:(?:export\s+)?[A-Z][A-Z0-9_]*(?:KEY|TOKEN)\s*=|(?i:(?:proxy-)?authorization\s*:)"
    r"|(?i:(?:x-)?api-key\s*:)|(?i:bearer\s))\s*"
)
_QUOTES: Final = frozenset({'""', "''", "``", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where requests go.

    Attributes:
        url: Of chat completions, with the query that the server's address has.
        headers: Of every request.
        proxy: Through which they go, if any.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    proxy: str | None = field(default=None, repr=False)

    @property
    def shown_proxy(self) -> str:
        """The proxy as people name it, without its password; nothing where there is none."""
        if not self.proxy:
            return ""
        return f"the proxy {urlsplit(self.proxy).netloc.rpartition('@')[2]}"


def target_of(base_url: str, *, key: str) -> Target:
    """Return where completions are asked for at a server.

    Args:
        base_url: The server's address; its query goes along with every request, and a name and
            password in it win over the key, as everywhere in HTTP.
        key: The API key, or a word where none is wanted.

    Raises:
        SettingsError: The environment names a proxy that cannot be used.
    """
    parts = urlsplit(base_url)
    login, at, host = parts.netloc.rpartition("@")
    headers = headers_for(base_url, key=key) | _PLAIN
    if at:
        coded = b64encode(unquote(login).encode()).decode()
        headers["Authorization"] = f"Basic {coded}"
    path = f"{parts.path.rstrip('/')}/chat/completions"
    return Target(
        url=urlunsplit((parts.scheme, host, path, parts.query, "")),
        headers=headers,
        proxy=proxy_of(base_url),
    )


def key_meant(given: SecretStr | None) -> str:
    """Return the key that is meant by what was pasted for one, or nothing.

    Blanks and signs that nobody sees, quotes around it, and the name or header before it are no
    part of any key.
    """
    key = _INVISIBLE.sub("", given.get_secret_value()) if given else ""
    before = None
    while key != before:
        before = key
        key = _NAMED.sub("", key.strip()).strip()
        if len(key) > 1 and key[0] + key[-1] in _QUOTES:
            key = key[1:-1]
    return key


def is_sendable(key: str) -> bool:
    """Tell whether a key can stand in a header; one of two lines, or with a letter of ours, not."""
    return key.isascii() and key.isprintable()


def is_socks(proxy: str | None) -> bool:
    """Tell whether a proxy is one of SOCKS."""
    return proxy is not None and proxy.lower().startswith("socks")


def proxy_of(base_url: str) -> str | None:
    """Return the proxy for a server.

    Raises:
        SettingsError: The environment names one that cannot be used.
    """
    try:
        return proxy_for(base_url, os.environ)
    except AddressError as error:
        raise SettingsError(f"ROADMAP_LLM_BASE_URL {error}.") from None


def headers_for(base_url: str, *, key: str) -> dict[str, str]:
    """Return the headers that carry a key.

    Azure's older addresses want it in `api-key` and take a bearer token for something else, but
    look at that one only where there is no key.
    """
    headers = {"Authorization": f"Bearer {key}"}
    if _is_azure(base_url):
        headers["api-key"] = key
    return headers


def without_query(url: str) -> tuple[str, list[tuple[str, str]]]:
    """Return an address without its query, and the query."""
    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return address, parse_qsl(parts.query, keep_blank_values=True)


def _is_azure(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return (
        host.endswith(_AZURE)
        or "/openai/deployments/" in parts.path
        or "api-version" in parts.query
    )
