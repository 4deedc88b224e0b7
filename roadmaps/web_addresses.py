"""Knows a web address however a model writes it; nothing is asked here."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

_WEB: Final = frozenset({"http", "https"})
_BARE: Final = re.compile(
    r"\A(//)?(?P<rest>[\w-]+(\.[\w-]+)*\.[a-z]{2,}(:\d{1,5})?([/?#]\S*)?)\Z", re.IGNORECASE
)
_ADDRESS: Final = re.compile(r"\Ahttps?://[^\s/?#]+([/?#]|\Z)", re.IGNORECASE)
_WITHIN: Final = re.compile(r"https?://[^\s<>\"'`\[\]]+", re.IGNORECASE)
_USER: Final = re.compile(r"\A(https?://)[^/?#]*@", re.IGNORECASE)


def completed(url: str) -> str:
    """Return an address as a browser would take it: `docs.python.org/3` lacks only its scheme.

    Models write it as a link of Markdown, between signs or with words, too; where there is one
    address in all that, it is meant. A user name and a password in it are taken out.
    """
    url = url.strip()
    if bare := _BARE.match(url):
        url = f"https://{bare['rest']}"
    elif not _ADDRESS.match(url):
        found = {_ended(within) for within in _WITHIN.findall(url)}
        url = found.pop() if len(found) == 1 else url
    return _USER.sub(r"\1", url) if "@" in url else url


def _ended(url: str) -> str:
    """Return an address without the signs of the sentence or the brackets that it stands in."""
    while url[-1] in ".,;:!?" or (url[-1] == ")" and url.count(")") > url.count("(")):
        url = url[:-1]
    return url


@lru_cache(maxsize=1024)
def host_of(url: str) -> str:
    """Return the host of a web address, or nothing when it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises, where it is none
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in _WEB else ""
