"""PostgreSQL's address: read once, used alike by engine, migrations, doctor and psql."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from core.addresses import postgres_parameters as parameters
from core.addresses.text import (
    AddressError,
    Parts,
    cleaned,
    decoded,
    encoded,
    scheme_of,
    shown_host,
    take_apart,
)
from core.hosts import without_brackets

PORT: Final = 5432
SOCKET_FOLDERS: Final = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - libpq's
_SCHEMES: Final = ("postgres", "postgresql")
_DRIVERS: Final = ("asyncpg", "psycopg", "psycopg2", "psycopg2cffi", "pg8000", "psycopgbinary")
_EXAMPLE: Final = "postgresql://user:password@host:5432/database"


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresAddress:
    """Where a database is, who asks, and how.

    Attributes:
        hosts: Where it may be, tried in this order; a folder's path means its Unix socket.
        user: Who asks.
        password: With which password; None looks into `~/.pgpass`, as libpq does.
        database: Its name.
        tls_mode: libpq's `sslmode`.
        pooled: The address itself says that a pooler stands between.
        given: The other parameters, by libpq's names.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str
    password: str | None = field(repr=False)
    database: str
    tls_mode: str
    pooled: bool
    given: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def url(self) -> str:
        """The address as one text, in the one spelling that every part of us can read."""
        hosts = ",".join(f"{shown_host(host)}:{port}" for host, port in self.hosts)
        secret = "" if self.password is None else f":{encoded(self.password)}"
        query = "&".join(f"{name}={encoded(value)}" for name, value in self.given)
        return (
            f"postgresql+asyncpg://{encoded(self.user)}{secret}@{hosts}/{encoded(self.database)}"
            + (f"?{query}" if query else "")
        )

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters by name."""
        return dict(self.given)

    @property
    def server_settings(self) -> dict[str, str]:
        """What the server is told at the start of a session."""
        return parameters.server_settings(self.parameters)


@lru_cache(maxsize=16)
def postgres_address(value: str) -> PostgresAddress:
    """Read PostgreSQL's address as libpq does, and as people paste it.

    Raises:
        AddressError: It cannot be used; the message says why and shows no secret.
    """
    text = cleaned(value)
    _refuse_other_forms(text)
    parts = take_apart(text, parameters=parameters.KNOWN)
    given = parameters.chosen(parts.query)
    user = parts.user or given.pop("user", "") or _own_name()
    password = given.pop("password", None) if parts.password is None else parts.password
    names = (given.pop("dbname", ""), given.pop("database", ""))
    _check_parameters(given)
    address = PostgresAddress(
        hosts=_hosts(parts, given),
        user=user,
        password=password,
        database=parts.path or names[0] or names[1] or user,
        tls_mode=parameters.tls_mode(given),
        pooled=parameters.is_pooled(given),
        given=tuple(given.items()),
    )
    _check_files(address)
    return address


def _refuse_other_forms(text: str) -> None:
    if text.lower().startswith("jdbc:"):
        raise AddressError(f"is JDBC's form; write it as {_EXAMPLE}")
    scheme, _, driver = scheme_of(text).partition("+")
    if scheme in _SCHEMES and (not driver or driver in _DRIVERS):
        return
    words = text.split("=", 1)
    if not scheme and len(words) > 1 and words[0].strip().isidentifier():
        raise AddressError(f"is in libpq's form of keywords; write it as {_EXAMPLE}")
    if scheme in _SCHEMES:
        raise AddressError(f"names a driver that is not known; write it as {_EXAMPLE}")
    raise AddressError(f"must begin with postgresql:// (as {_EXAMPLE})")


def _hosts(parts: Parts, given: dict[str, str]) -> tuple[tuple[str, int], ...]:
    """Return hosts and ports from before and after the `?`, with libpq's defaults."""
    ports = [_port(each) for each in given.pop("port", "").split(",") if each.strip()]
    after = [decoded(each.strip()) for each in given.pop("host", "").split(",") if each.strip()]
    found = [(host, port) for host, port in parts.hosts if host]
    if after:
        found = [(without_brackets(host), None) for host in after]
    numbers = given.get("hostaddr", "").split(",") if given.get("hostaddr") else []
    if not found and numbers:
        found = [(each.strip(), None) for each in numbers]
    if not found:
        alone = parts.hosts[0][1] if parts.hosts else None
        found = [(folder, alone) for folder in (*SOCKET_FOLDERS, "localhost")]
    if numbers and len(numbers) != len(found):
        raise AddressError("has another number of hostaddr than of hosts")
    if len(ports) > 1 and len(ports) != len(found):
        raise AddressError("has another number of ports than of hosts")
    spread: list[int | None] = (
        [*ports] * len(found) if len(ports) == 1 else [*ports] or [None] * len(found)
    )
    return tuple(
        (host, other or port or PORT) for (host, port), other in zip(found, spread, strict=True)
    )


def _port(text: str) -> int:
    value = parameters.number({"port": text}, "port") or 0
    if not 0 < value <= 65535:  # noqa: PLR2004 - the largest port
        raise AddressError("needs a port between 1 and 65535")
    return value


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _check_parameters(given: dict[str, str]) -> None:
    for name in (
        "connect_timeout", "timeout", "keepalives", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "statement_cache_size",
        "prepared_statement_cache_size", "prepareThreshold",
    ):  # fmt: skip
        parameters.number(given, name)
    wanted = given.get("target_session_attrs", "any")
    if wanted not in parameters.SESSION:
        raise AddressError(f"needs as target_session_attrs one of {', '.join(parameters.SESSION)}")
    if given.get("load_balance_hosts", "disable") not in ("disable", "random"):
        raise AddressError("needs as load_balance_hosts disable or random")
    if given.get("client_encoding", "utf8").lower() not in ("utf8", "utf-8", "auto", "unicode"):
        raise AddressError("may have no client_encoding but utf8")
    if given.get("gssencmode") == "require":
        raise AddressError("has gssencmode=require; the driver encrypts by TLS only, see sslmode")
    if given.get("sslnegotiation", "postgres") not in ("postgres", "direct"):
        raise AddressError("needs as sslnegotiation postgres or direct")
    if given.get("sslnegotiation") == "direct" and parameters.tls_mode(given) in (
        "disable", "allow", "prefer",
    ):  # fmt: skip
        raise AddressError("has sslnegotiation=direct, which needs sslmode=require or stricter")


def _check_files(address: PostgresAddress) -> None:
    given = address.parameters
    if given.get("sslkey") and not given.get("sslcert"):
        raise AddressError("has sslkey but no sslcert")
    if any(name in given for name in parameters.TLS_FILES):
        from core.addresses.certificates import check_files  # few addresses name any

        system = given.get("sslrootcert") == "system"
        check_files(
            given,
            authorities=("sslcrl",) if system else ("sslrootcert", "sslcrl"),
            certificate="sslcert",
            key="sslkey",
            password="sslpassword",  # noqa: S106 - the parameter's name
        )
    if (
        address.tls_mode == "verify-ca"
        and not given.get("sslrootcert")
        and not own_root().is_file()
    ):
        raise AddressError(
            "has sslmode=verify-ca, which needs sslrootcert, the file of the authority to trust"
        )


def own_root() -> Path:
    """Return where libpq looks for the authority to trust when none is named."""
    try:
        return Path.home() / ".postgresql" / "root.crt"
    except RuntimeError:
        return Path("/nonexistent")
