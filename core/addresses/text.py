"""What all addresses have in common: `scheme://user:password@hosts/path?name=value`.

Passwords come from generators and are pasted as they are, so one with a raw `@`, `/`, `?` or `#` is
read as long as only one reading makes sense. No message repeats any part of what was given except
words that cannot be a secret: a part of a password would otherwise be told as a "port".
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

ENCODE: Final = (
    "characters such as @ : / ? # % [ ] and spaces in a user name or password must be"
    " percent-encoded (@ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25)"
)
_QUOTES: Final = "\"'`"
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_NAME: Final = re.compile(r"%2[Ff][^/@?#\[\]\s:,]*|[^\W_][\w.-]*")
_LARGEST_PORT: Final = 65535


class AddressError(ValueError):
    """An address cannot be used; the message says why, without any part of a secret."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """An address taken apart, each part decoded."""

    scheme: str
    user: str | None
    password: str | None = field(repr=False)
    hosts: tuple[tuple[str, int | None], ...]
    path: str
    query: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to cut what follows `scheme://`: where the user's part ends."""

    user_info: str | None
    hosts: str
    path: str
    query: str | None
    fragment: bool

    @property
    def plain(self) -> bool:
        """The user's part has no character that would end it for a strict reader."""
        return not any(each in (self.user_info or "") for each in "/?#")


def cleaned(value: str) -> str:
    """Return an address without what comes along when it is copied: blanks, quotes, a mark.

    Raises:
        AddressError: It has more than one line, or nothing in it.
    """
    text = value.strip().lstrip("\ufeff").strip()
    for command in ("psql ", "redis-cli -u ", "redis-cli --tls -u "):  # consoles offer these
        text = text.removeprefix(command).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    if not text:
        raise AddressError("is empty")
    if any(ord(each) < 32 or ord(each) == 127 for each in text):  # noqa: PLR2004 - ASCII's controls
        raise AddressError("has a line break, a tab or a control character in it")
    return text


def scheme_of(text: str) -> str:
    """Return the scheme in lower case, or nothing when there is none."""
    scheme, found, _ = text.partition("://")
    return scheme.lower() if found and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else ""


def take_apart(text: str, *, parameters: Collection[str], slashes: bool = False) -> Parts:
    """Take an address apart.

    Args:
        text: The address, cleaned.
        parameters: The names that may stand after `?`; they help to tell readings apart.
        slashes: The path may have `/` in it, as a socket's has.

    Raises:
        AddressError: It cannot be read, or in several ways.
    """
    scheme, _, rest = text.partition("://")

    def fits(reading: _Reading) -> bool:
        if not _well_formed(reading, slashes=slashes):
            return False
        return all(name in parameters for name, _ in _pairs(reading.query))

    reading = _only_one(rest, fits) or _only_one(
        rest, lambda each: _well_formed(each, slashes=slashes) and "@" not in _tail(each)
    )
    if reading is None:
        raise AddressError(_what_is_wrong(rest))
    user, colon, password = (reading.user_info or "").partition(":")
    return Parts(
        scheme=scheme.lower(),
        user=decoded(user) or None,
        password=decoded(password) if colon else None,
        hosts=tuple(_hosts(reading.hosts)),
        path=decoded(reading.path),
        query=tuple((name, decoded(value)) for name, value in _pairs(reading.query)),
    )


def joined(text: str) -> str:
    """Return kombu's list of addresses, `a;b`, as one address with several hosts.

    User, path and parameters that are said once hold for all of them.
    """
    first, *others = [each.strip() for each in text.split(";")]
    if not others or not all("://" in each for each in others):
        return text
    scheme, _, rest = first.partition("://")
    login, at, _ = rest.partition("?")[0].rpartition("@")
    places = [each.partition("://")[2].rpartition("@")[2] for each in (first, *others)]
    before = [each.partition("?")[0].partition("/") for each in places]
    path = next((slash + path for _, slash, path in before if slash), "")
    query = next((each.partition("?")[2] for each in places if "?" in each), "")
    hosts = ",".join(host for host, _, _ in before)
    return f"{scheme}://{login}{at}{hosts}{path}" + (f"?{query}" if query else "")


def decoded(text: str) -> str:
    """Return a part with its percent-escapes resolved; a `%` without digits stands for itself.

    Raises:
        AddressError: Both kinds are in it, or what comes out is not UTF-8.
    """
    if text.count("%") == len(_ESCAPE.findall(text)):
        return _ESCAPES.sub(_resolved, text)
    if _ESCAPE.search(text):
        raise AddressError(f"has a % that is neither encoded nor an escape; {ENCODE}")
    return text


def encoded(text: str) -> str:
    """Return a part in which nothing but letters, digits and `-._~` stands for itself."""
    return quote(text, safe="")


def one_host(parts: Parts, *, port: int) -> tuple[str, int]:
    """Return the only host and its port, each with its default.

    Raises:
        AddressError: Several hosts are given.
    """
    if len(parts.hosts) > 1:
        raise AddressError("may name only one host")
    host, given = parts.hosts[0] if parts.hosts else ("", None)
    return host or "localhost", given or port


def shown_host(host: str) -> str:
    """Return a host as it stands in an address."""
    if host.startswith("/"):
        return quote(host, safe="")
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def _resolved(found: re.Match[str]) -> str:
    octets = bytes.fromhex(found.group().replace("%", ""))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise AddressError(f"has percent-escapes that are not UTF-8; {ENCODE}") from None


def _readings(rest: str) -> Iterator[_Reading]:
    for at in [-1, *(i for i, each in enumerate(rest) if each == "@")]:
        tail = rest[at + 1 :]
        main, sharp, _ = tail.partition("#")
        before, question, query = main.partition("?")
        hosts, _, path = before.partition("/")
        yield _Reading(
            rest[:at] if at >= 0 else None, hosts, path, query if question else None, bool(sharp)
        )


def _only_one(rest: str, fits: Callable[[_Reading], bool]) -> _Reading | None:
    """Return the reading that fits; the strict one is preferred, two others are one too many."""
    fitting = [each for each in _readings(rest) if fits(each)]
    plain = [each for each in fitting if each.plain]
    chosen = plain or fitting
    return chosen[0] if len(chosen) == 1 else None


def _well_formed(reading: _Reading, *, slashes: bool) -> bool:
    if reading.fragment or "@" in reading.hosts or "@" in reading.path:
        return False
    if "/" in reading.path and not slashes:
        return False
    if reading.query and not all("=" in each for each in reading.query.split("&") if each):
        return False
    return all(_host(each) is not None for each in reading.hosts.split(","))


def _tail(reading: _Reading) -> str:
    return reading.hosts + reading.path + (reading.query or "")


def _pairs(query: str | None) -> Iterator[tuple[str, str]]:
    for each in (query or "").split("&"):
        if each:
            name, _, value = each.partition("=")
            yield name, value


def _hosts(text: str) -> Iterator[tuple[str, int | None]]:
    for each in text.split(",") if text else ():
        found = _host(each)
        if found is not None:
            yield found


def _host(text: str) -> tuple[str, int | None] | None:
    """Return one host and its port, or None when it is none."""
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        host = host.replace("%25", "%")
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return None
        if not closed or (port and not port.startswith(":")):
            return None
        port = port[1:]
    else:
        host, _, port = text.partition(":")
        if host and not _NAME.fullmatch(host):
            return None
        host = _ESCAPES.sub(_resolved, host)
    if not port:
        return host, None
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= _LARGEST_PORT:
        return None
    return host, int(port)


def _what_is_wrong(rest: str) -> str:
    """Return why no single reading makes sense, without a word of what was given."""
    simple = rest.count("@") <= 1 and not any(each in rest.partition("@")[0] for each in "/?#[% ")
    if simple:
        tail = rest.rpartition("@")[2]
        hosts = re.split(r"[/?#]", tail, maxsplit=1)[0]
        if hosts.count(":") > 1 and "[" not in hosts and "," not in hosts:
            return "names an IPv6 address without brackets; write it as [::1]:port"
        if "#" in tail:
            return f"has a # after the host; {ENCODE}"
        if any(_host(each) is None for each in hosts.split(",")):
            return (
                "has a host or port that cannot be one (a port is a number up to 65535); " + ENCODE
            )
    return f"cannot be read in only one way as scheme://user:password@host:port/name; {ENCODE}"
