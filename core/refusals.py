"""What a server that answers says no to: a password, a write, one more connection.

Whoever reads that PostgreSQL or Redis "does not answer" looks for a server that has stopped. One
that is full, read-only or wants another password is found in no such way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_POSTGRESQL: Final = {
    "28": "does not let us in: name, password or pg_hba.conf (was the password changed?)",
    "3D000": "has no database of that name",
    "3F000": "has no schema that the search_path of role or address names",
    "25006": "is read-only",
    "53100": "has no disk space left",
    "53300": "has no connection left for us",
    "57P03": "is starting up, stopping or in recovery",
}
"""By the beginning of the SQLSTATE."""
_REDIS: Final = {
    "AuthenticationError": "does not let us in: name or password (was it changed?)",
    "invalid username-password": "does not let us in: name or password (was it changed?)",
    "OutOfMemoryError": "is full (maxmemory)",
    "ReadOnlyError": "is a replica, which takes no writes",
    "MasterDownError": "is a replica without its primary",
    "BusyLoadingError": "is still loading its data",
    "NoPermissionError": "does not allow our user what is needed",
    "MISCONF": "cannot save to its disk, and takes no writes",
    "NOREPLICAS": "has too few replicas, and takes no writes",
    "max number of clients": "has no connection left (maxclients)",
}
"""By the class of the client's error, or by a part of what the server said."""
_MOST: Final = 6
"""Errors in a chain; a driver's, a library's around it, and ours."""


def refusal(error: BaseException) -> str | None:
    """Return what a server refuses, in fixed words that follow its name; None when it is silent.

    The words hold nothing of what the server said, so anybody may read them.
    """
    for each in _chain(error):
        driver = getattr(each, "orig", None) or each
        state = str(getattr(driver, "sqlstate", None) or "")
        for begin, said in _POSTGRESQL.items():
            if state.startswith(begin):
                return said
        for sign, said in _REDIS.items():
            if sign == type(driver).__name__ or sign in str(driver):
                return said
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(_MOST):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__
