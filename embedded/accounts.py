"""Under which account a server runs: PostgreSQL refuses to run as root.

As root we hand PostgreSQL to an unprivileged account that already exists: nothing is added to the
system (no ``useradd``), and neither uid 0 nor gid 0 is ever kept.
"""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import EmbeddedServerError

_PREFERRED = ("postgres", "nobody")
_ROOTS = (
    "PostgreSQL refuses to run as root, and {owned} belongs to root: it was copied without its"
    " owner. What to do: copy it by `cp -a`, or `chown -R {name} {owned}`."
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user and its main group, both by number."""

    uid: int
    gid: int


def unprivileged_account(owned: Path) -> Account | None:
    """Say which account must run PostgreSQL, or None when it is our own.

    Args:
        owned: The cluster's folder. When it exists its owner wins, so that a cluster first made by
            an ordinary user still opens when root starts it.

    Raises:
        EmbeddedServerError: We are root and the system has no account to run PostgreSQL, or the
            cluster is root's own, and no account but root may open it.
    """
    if os.geteuid() != 0:
        return None
    owner = owned.stat().st_uid if owned.exists() else None
    if owner:
        return _of_owner(owner, owned)
    for name in _PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid and entry.pw_gid:
            if owner is not None and (owned / "PG_VERSION").exists():
                raise EmbeddedServerError(_ROOTS.format(owned=owned, name=name))
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL refuses to run as root and this system has neither of the accounts "
        f"{' and '.join(_PREFERRED)} to run it. What to do: run as an ordinary user, or set "
        "ROADMAP_DATABASE_URL to a PostgreSQL of your own."
    )


def _of_owner(uid: int, owned: Path) -> Account:
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        gid = owned.stat().st_gid
    # Any group but root's will do: the cluster is readable by its owner alone.
    return Account(uid=uid, gid=gid or uid)
