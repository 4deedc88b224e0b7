"""Who holds a data folder: two advisory file locks (flock) per server.

The *owner* lock is held by the supervising process for as long as it supervises: a second start on
the same folder sees it taken, and learns from the file who holds it.

The *alive* lock is handed to the server's processes, which inherit the open file; the supervisor
closes its own copy. It is free exactly when the last of them has gone: proof that what the server
left behind (``postmaster.pid``) is stale, even when its process id now belongs to a stranger, as
often happens in containers.
"""

import fcntl
import os
import time
from pathlib import Path

_POLL_S = 0.005


def try_lock(path: Path) -> int | None:
    """Take the lock at `path`; the open descriptor holds it, None says that another holds it.

    Raises:
        OSError: The file cannot be made or its file system knows no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def lock_within(path: Path, seconds: float) -> int | None:
    """Take the lock at `path` as soon as it is free; None when it is still taken after `seconds`.

    Raises:
        OSError: As `try_lock`.
    """
    deadline = time.monotonic() + seconds
    while True:
        descriptor = try_lock(path)
        if descriptor is not None or time.monotonic() > deadline:
            return descriptor
        time.sleep(_POLL_S)


def write_holder(descriptor: int, text: str) -> None:
    """Note in the locked file who holds it."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
