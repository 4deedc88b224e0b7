"""Hosts whose pictures may be shown: one list, for what is rendered and for what browsers may load.

An address counts only in its plainest form, so that no two readers of it can take different hosts
from it: `https://`, the name, perhaps a port, and then the path. Names are compared as they are
sent: lower case, and in ASCII, so that a letter that only looks like another one is another one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST: Final = re.compile(rf"(?i:\.?{_LABEL}(?:\.{_LABEL})+(?::[1-9][0-9]{{0,4}})?)", re.ASCII)
"""What may be listed: a name with a dot, or all below one (`.example.com`), and a port."""
_ADDRESS: Final = re.compile(
    r"https://([a-z0-9.-]{1,253})(?::([0-9]{1,5}))?"
    r"(?:[/?#][^\x00-\x20\"<>\\^`\x7f-\U0010ffff]*)?",
    re.ASCII | re.IGNORECASE,
)
_USUAL: Final = "443"


def shows(address: str, hosts: Sequence[str]) -> bool:
    """Tell whether a picture at this address is shown where these hosts' pictures are."""
    found = _ADDRESS.fullmatch(address) if hosts else None
    if found is None:
        return False
    name, port = found[1].lower(), found[2] or _USUAL
    return any(_is_meant(host, name, port) for host in hosts)


def sources(hosts: Sequence[str]) -> list[str]:
    """Return the hosts as a content security policy names them."""
    return [f"https://{'*' if host.startswith('.') else ''}{host}" for host in hosts]


def _is_meant(host: str, name: str, port: str) -> bool:
    wanted, _, wanted_port = host.partition(":")
    if port != (wanted_port or _USUAL):
        return False
    return name.endswith(wanted) and name != wanted if wanted.startswith(".") else name == wanted
