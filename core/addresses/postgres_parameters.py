"""What may stand after `?` in PostgreSQL's address, and what becomes of it.

The names are libpq's (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS)
and those that other clients and hosting companies add to the addresses they show.
"""

from __future__ import annotations

from typing import Final

from core.addresses.text import AddressError

TLS_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
TLS_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SESSION: Final = ("any", "primary", "standby", "read-write", "read-only", "prefer-standby")
SERVER_SETTINGS: Final = (
    "application_name",
    "options",
    "search_path",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
)
"""What the server is told at the start of a session."""

USED: Final = frozenset(
    (
        "sslmode", "ssl", "sslaccept", "sslpassword", "sslnegotiation", "sslsni",
        "ssl_min_protocol_version", "ssl_max_protocol_version",
        "host", "hostaddr", "port", "user", "password", "dbname", "database", "passfile",
        "connect_timeout", "timeout", "target_session_attrs", "load_balance_hosts",
        "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout", "client_encoding", "gssencmode", "schema", "currentSchema",
        "pgbouncer", "prepareThreshold", "statement_cache_size", "prepared_statement_cache_size",
        *TLS_FILES, *SERVER_SETTINGS,
    )
)  # fmt: skip

IGNORED: Final = frozenset(
    (
        "channel_binding",  # the driver does not know it; TLS's checks hold all the same
        "fallback_application_name",  # we always have a name
        "sslcompression", "sslcertmode", "gssdelegation", "gsslib", "krbsrvname",  # no effect here
        "uselibpqcompat", "supa", "workaround",  # other clients' hints
    )
)  # fmt: skip

REFUSED: Final = {
    "service": "name host, user and database in the address; service files are not read",
    "servicefile": "name host, user and database in the address; service files are not read",
    "connection_limit": "set ROADMAP_DATABASE_MAX_CONNECTIONS instead",
    "pool_size": "set ROADMAP_DATABASE_MAX_CONNECTIONS instead",
    "max_overflow": "set ROADMAP_DATABASE_MAX_CONNECTIONS instead",
    "pool_timeout": "the time to wait for a connection is fixed",
    "command_timeout": "use statement_timeout, in milliseconds",
    "timezone": "the program always works in UTC",
    "TimeZone": "the program always works in UTC",
    "replication": "the program needs an ordinary session",
    "require_auth": "the driver cannot promise how it signs in",
    "requirepeer": "the driver does not look who owns a socket",
    "ssl_crl_dir": "use sslcrl, a file",
    "sslcrldir": "use sslcrl, a file",
    "sslidentity": "use sslcert and sslkey, PEM files",
    "sslfactory": "use sslmode and sslrootcert",
    "sslkeylogfile": "the keys of a connection are not written down",
}
KNOWN: Final = USED | IGNORED | REFUSED.keys()
_YES: Final = frozenset(("1", "true", "yes", "on", "require"))
_PRISMA: Final = {"strict": "verify-full", "accept_invalid_certs": "require"}
_SPELLINGS: Final = {
    "true": "verify-full", "1": "verify-full", "false": "disable", "0": "disable",
    "no-verify": "require", "verify_ca": "verify-ca", "verify_full": "verify-full",
}  # fmt: skip


def chosen(query: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the parameters that are used, the last one of each name.

    Raises:
        AddressError: One is unknown, or cannot be kept.
    """
    found: dict[str, str] = {}
    for name, value in query:
        if name in REFUSED:
            raise AddressError(f"cannot have {name}: {REFUSED[name]}")
        if name not in KNOWN:
            raise AddressError(_unknown(name))
        if name in USED:
            found[name] = value
    return found


def tls_mode(given: dict[str, str]) -> str:
    """Return how connections are encrypted and checked, in libpq's words.

    Raises:
        AddressError: The word is none of libpq's.
    """
    mode = given.get("sslmode") or given.get("ssl") or ""
    mode = _SPELLINGS.get(mode.strip().lower(), mode.strip().lower())
    if not mode and "sslaccept" in given:
        mode = _PRISMA.get(given["sslaccept"], "verify-full")
    system = given.get("sslrootcert") == "system"
    mode = mode or ("verify-full" if system else "prefer")
    if mode not in TLS_MODES:
        raise AddressError(f"has an sslmode that is none of {', '.join(TLS_MODES)}")
    if system and mode != "verify-full":
        raise AddressError("has sslrootcert=system, which needs sslmode=verify-full")
    return mode


def number(given: dict[str, str], name: str) -> int | None:
    """Return a parameter that is a whole number, or None.

    Raises:
        AddressError: It is something else.
    """
    value = given.get(name, "").strip()
    if not value:
        return None
    if not value.isascii() or not value.lstrip("-").isdigit():
        raise AddressError(f"needs a whole number as {name}")
    return int(value)


def is_pooled(given: dict[str, str]) -> bool:
    """Tell whether the address says that a pooler hands out its connections by transaction."""
    sizes = ("statement_cache_size", "prepared_statement_cache_size", "prepareThreshold")
    if any(number(given, name) == 0 for name in sizes):
        return True
    return given.get("pgbouncer", "").lower() in _YES


def server_settings(given: dict[str, str]) -> dict[str, str]:
    """Return what the server is told at the start of a session, by the setting's name.

    The `-c name=value` of `options` are settings too; what else is in it (a hosting company's
    `endpoint=…`) stays as it is.
    """
    found = {name: given[name] for name in SERVER_SETTINGS if given.get(name)}
    schema = given.get("schema") or given.get("currentSchema")
    if schema:
        found.setdefault("search_path", schema)
    words = _words(found.pop("options", ""))
    others = []
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            word += words.pop(0)
        name, equals, value = word.removeprefix("-c").removeprefix("--").partition("=")
        if equals and word.startswith(("-c", "--")):
            found[name.strip().replace("-", "_")] = value
        else:
            others.append(word)
    return found | ({"options": " ".join(others)} if others else {})


def _words(options: str) -> list[str]:
    """Return the words of `options`: a backslash makes a blank part of a word, as in libpq."""
    if options.startswith(("-c+", "-c", "--")) and " " not in options:
        options = options.replace("+", " ")  # a form's spelling of a blank
    kept = options.replace("\\ ", "\0")
    return [word.replace("\0", " ").replace("\\\\", "\\") for word in kept.split()]


def _unknown(name: str) -> str:
    import difflib

    if not name.isascii() or not name.replace("_", "").isalnum():
        return "has something after the ? that is no parameter"
    close = difflib.get_close_matches(name, USED, n=1)
    hint = f"; did you mean {close[0]}?" if close else "; take it out"
    return f"has the unknown parameter {name[:40]}{hint}"
