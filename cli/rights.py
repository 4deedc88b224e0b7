"""Who may write to a folder."""

from __future__ import annotations

import grp
import pwd
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


def others_may_write(found: os.stat_result) -> bool:
    """Tell whether somebody else than its owner may write to a folder.

    Many systems give each user a group of the same name, and let it write to what the user makes:
    nobody else is in it.

    Args:
        found: What the system tells of the folder.
    """
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and not _is_owners_own(found.st_gid, found.st_uid)


def _is_owners_own(group: int, owner: int) -> bool:
    try:
        user, named = pwd.getpwuid(owner), grp.getgrgid(group)
    except KeyError:
        return False
    own = user.pw_gid == group and named.gr_name == user.pw_name
    return own and set(named.gr_mem) <= {user.pw_name}
