"""Redis's address: one server, a Unix socket, or Sentinels that know which server it is now."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from core.addresses import redis_parameters as parameters
from core.addresses.text import (
    AddressError,
    Parts,
    cleaned,
    encoded,
    joined,
    one_host,
    scheme_of,
    shown_host,
    take_apart,
)

PORT: Final = 6379
SENTINEL_PORT: Final = 26379
_PLAIN: Final = ("redis", "valkey")
_TLS: Final = ("rediss", "valkeys", "redis+ssl", "redis+tls")
_SOCKET: Final = ("unix", "redis+socket", "redis+unix", "unix+redis")
_SENTINEL: Final = ("sentinel", "redis+sentinel", "redis-sentinel")
_SENTINEL_TLS: Final = ("rediss+sentinel", "rediss-sentinel", "sentinels")
SCHEMES: Final = (*_PLAIN, *_TLS, *_SOCKET, *_SENTINEL, *_SENTINEL_TLS)
_AZURE: Final = re.compile(r"[^\s,:=/]+(?::\d+)?,.*=.*")
_EXAMPLE: Final = "redis://:password@host:6379/0"


@dataclass(frozen=True, kw_only=True, slots=True)
class RedisAddress:
    """Where a Redis is, and how we sign in.

    Attributes:
        hosts: One server, or the Sentinels.
        socket: The path of a Unix socket, instead of a host.
        master: What Sentinels call the server; None means that `hosts` is the server.
        user: Who signs in; None is Redis's default user.
        password: With which password.
        database: The number of the database.
        tls: The connection is encrypted.
        given: The other parameters, by redis-py's names.
    """

    hosts: tuple[tuple[str, int], ...]
    socket: str | None
    master: str | None
    user: str | None
    password: str | None = field(repr=False)
    database: int
    tls: bool
    given: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters by name."""
        return dict(self.given)

    @property
    def url(self) -> str:
        """The address as one text. Except for Sentinels redis-py reads it, too."""
        hosts = ",".join(f"{shown_host(host)}:{port}" for host, port in self.hosts)
        user = encoded(self.user or "")
        secret = "" if self.password is None else f":{encoded(self.password)}"
        login = f"{user}{secret}@" if user or secret else ""
        query = [f"{name}={encoded(value)}" for name, value in self.given]
        if self.socket is not None:
            query.insert(0, f"db={self.database}")
            place = encoded(self.socket).replace("%2F", "/")
        else:
            place = f"/{encoded(self.master)}" if self.master is not None else ""
            place = f"{hosts}{place}/{self.database}"
        return f"{self._scheme}://{login}{place}" + (f"?{'&'.join(query)}" if query else "")

    @property
    def _scheme(self) -> str:
        if self.socket is not None:
            return "unix"
        plain = "rediss" if self.tls else "redis"
        return plain if self.master is None else f"{plain}+sentinel"


@lru_cache(maxsize=16)
def redis_address(value: str) -> RedisAddress:
    """Read Redis's address in any of its usual spellings.

    Raises:
        AddressError: It cannot be used; the message says why and shows no secret.
    """
    forced_tls = value.strip().startswith("redis-cli --tls")
    text = cleaned(value)
    if not scheme_of(text) and _AZURE.fullmatch(text):
        return _azure(text)
    scheme = scheme_of(text)
    if scheme == "redis+cluster":
        raise AddressError("names a Redis Cluster; Celery needs one server, or Sentinels")
    if scheme not in SCHEMES:
        raise AddressError(
            "must begin with redis://, rediss://, unix:// or redis+sentinel:// (as "
            + _EXAMPLE
            + ")"
        )
    sentinel = scheme in (*_SENTINEL, *_SENTINEL_TLS)
    if sentinel:
        text = _named(joined(text))
    parts = take_apart(text, parameters=parameters.KNOWN, slashes=sentinel or scheme in _SOCKET)
    given = parameters.checked(parts.query)
    tls = scheme in (*_TLS, *_SENTINEL_TLS) or forced_tls
    tls = "true" in (given.pop("ssl", ""), given.pop("tls", "")) or tls
    user = parts.user or given.pop("username", None)
    password = given.pop("password", None) if parts.password is None else parts.password
    if tls:
        _complete_tls(given)
    elif any(name in given for name in parameters.TLS):
        given = {name: value for name, value in given.items() if name not in parameters.TLS}
    hosts, socket, master, database = _place(parts, given, scheme=scheme)
    return RedisAddress(
        hosts=hosts,
        socket=socket,
        master=master,
        user=user or None,
        password=password,
        database=database,
        tls=tls,
        given=tuple(given.items()),
    )


def _place(
    parts: Parts, given: dict[str, str], *, scheme: str
) -> tuple[tuple[tuple[str, int], ...], str | None, str | None, int]:
    """Return hosts, socket, master's name and database."""
    number = given.pop("db", "") or given.pop("virtual_host", "")
    if scheme in _SOCKET:
        if not parts.path or any(host for host, _ in parts.hosts):
            raise AddressError("needs the socket's whole path, as in unix:///run/redis/redis.sock")
        return (), f"/{parts.path.lstrip('/')}", None, parameters.database(number)
    if scheme not in (*_SENTINEL, *_SENTINEL_TLS):
        host = one_host(parts, port=PORT)
        return (host,), None, None, parameters.database(number or parts.path)
    first, _, rest = parts.path.strip("/").partition("/")
    if first.isdigit() and not rest:
        first, rest = "", first
    master = given.pop("master_name", "") or first
    if not master:
        raise AddressError(
            "does not say what the Sentinels call the server, as in"
            " redis+sentinel://:password@host1:26379,host2:26379/mymaster/0"
        )
    hosts = tuple((host or "localhost", port or SENTINEL_PORT) for host, port in parts.hosts)
    return (
        hosts or (("localhost", SENTINEL_PORT),),
        None,
        master,
        parameters.database(number or rest),
    )


def _named(text: str) -> str:
    """Return Lettuce's `redis-sentinel://…#name` with the name where we look for it."""
    scheme, _, rest = text.partition("://")
    if scheme.lower().endswith("-sentinel") and "#" in rest:
        before, _, name = rest.rpartition("#")
        if name.replace("-", "").replace("_", "").isalnum():
            return f"{scheme}://{before}{'&' if '?' in before else '?'}master_name={name}"
    return text


def _complete_tls(given: dict[str, str]) -> None:
    """Say whether the name is checked: the client insists on it unless nothing is checked."""
    checks = given.setdefault("ssl_cert_reqs", "required")
    if checks == "none":
        given["ssl_check_hostname"] = "false"


def _azure(text: str) -> RedisAddress:
    """Read the form that Azure shows: `host:6380,password=…,ssl=True,abortConnect=False`."""
    host, *pairs = text.split(",")
    name, _, port = host.partition(":")
    given = dict(each.strip().split("=", 1) for each in pairs if "=" in each)
    by_name = {key.lower(): value for key, value in given.items()}
    tls = by_name.get("ssl", "").lower() == "true"
    login = (by_name.get("user"), by_name.get("password"))
    return RedisAddress(
        hosts=((name, int(port or (6380 if tls else PORT))),),
        socket=None,
        master=None,
        user=login[0],
        password=login[1],
        database=parameters.database(by_name.get("defaultdatabase", "")),
        tls=tls,
        given=(("ssl_cert_reqs", "required"),) if tls else (),
    )
