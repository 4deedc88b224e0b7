"""The pulse: a file in which a worker says once a second what it does, and how to judge it.

A process that lives may still do nothing: its consumer can be stuck on a dead connection, or no
longer be subscribed to its queues. So the file tells when the consumer last turned, what it
listens to, and how many messages it has taken.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import tempfile
import time
import urllib.parse
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.redaction import redact

if TYPE_CHECKING:
    from core.settings import Settings

STALE_S: Final = 15.0
"""A process, loop or consumer that has not turned for so long hangs."""
STANDS_S: Final = 8.0
"""An event loop that has not turned for so long is told of; shorter standstills are only logged."""
REPLACE_S: Final = 60.0
"""How long it may stand still after that, before its process is replaced."""
_BLOCK: Final = 4096
"""Bytes of a block on the disk; a file is made of whole ones."""
_READS: Final = 3
_READ_AGAIN_S: Final = 0.02


@dataclass(slots=True, kw_only=True)
class Pulse:
    """One worker at one moment. Times are seconds since 1970, by the machine's clock.

    Attributes:
        node: Celery's name of the worker.
        pid: Its main process.
        slots: Workflows it can hold at a time.
        wanted: The queues it was told to listen to.
        at: When this was written.
        loop_at: When its event loop last turned (prefork: its children have the loops).
        consumer_at: When its consumer last turned, connected to the broker.
        queues: What the consumer listens to.
        consumed: Messages taken since the start; `consumed_at` is when the last one was.
        active: Workflows it holds.
        held_up_by: The function that holds up its event loop, with its file; else empty.
        child: (prefork) The child whose event loop it is; 0 when it is none's.
        child_since: (prefork) Since when that stands still.
    """

    node: str
    pid: int
    slots: int
    wanted: list[str]
    at: float
    loop_at: float
    consumer_at: float
    queues: list[str]
    consumed: int = 0
    consumed_at: float = 0.0
    active: int = 0
    held_up_by: str = ""
    child: int = 0
    child_since: float = 0.0

    def is_there(self) -> bool:
        """Tell whether there is a process of its number, whatever that does."""
        try:
            os.kill(self.pid, 0)
        except PermissionError:
            return True
        except OSError:
            return False
        return True

    def hangs(self, now: float) -> str | None:
        """Say why a restart is due, if it is: the process or its event loop does not turn."""
        if now - self.at > STALE_S:
            return f"says nothing since {now - self.at:.0f} s: it was killed, or is frozen"
        if now - self.loop_at > STALE_S:
            by = f": {self.held_up_by} holds it up" if self.held_up_by else ""
            return f"its event loop has not turned for {now - self.loop_at:.0f} s{by}"
        return None

    def remark(self, now: float) -> str | None:
        """Say what is wrong with one of its children, which it replaces by itself."""
        if not self.child or now - self.child_since < STANDS_S:
            return None
        return (
            f"the event loop of its child {self.child} has not turned for"
            f" {now - self.child_since:.0f} s: {self.held_up_by} holds it up; after"
            f" {STANDS_S + REPLACE_S:.0f} s the child is replaced"
        )

    def deaf(self, now: float) -> str | None:
        """Say why it takes no messages, if that is certain without trying."""
        if now - self.consumer_at > STALE_S:
            return (
                f"its consumer has not turned for {now - self.consumer_at:.0f} s: it hangs, or the"
                " broker is away"
            )
        if missing := sorted(set(self.wanted) - set(self.queues)):
            return f"it no longer listens to {', '.join(missing)}"
        return None

    def proved(self, now: float, *, within_s: float) -> bool:
        """Tell whether it took a message lately, or has no slot free for one."""
        return self.active >= self.slots or now - self.consumed_at <= within_s

    def write(self) -> None:
        """Write the file, in one piece; on a full disk, where it stands already.

        A full disk stops no worker, so it must not make one look frozen, either. The blanks at the
        end keep the room that a longer text will need.

        Raises:
            OSError: It cannot be written.
        """
        path = pulse_file(self.node)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(path.parent):
            raise OSError(f"{path.parent} belongs to somebody else")
        text = json.dumps(asdict(self)).encode()
        text = text.ljust(-(-len(text) // _BLOCK) * _BLOCK)
        scratch = path.with_suffix(".new")
        try:
            scratch.write_bytes(text)
            scratch.replace(path)
        except OSError:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
            _write_over(path, text)


def pulse_folder(settings: Settings | None = None) -> Path:
    """Return where the workers of a stack on this machine write; nobody else may look.

    Without PULSE_DIR it is a folder of this user, this database and this broker: workers of other
    stacks have the same names, and must not be taken for these.
    """
    if settings is None:
        from core.settings import get_settings  # late: it takes 0.1 s

        settings = get_settings()
    if settings.pulse_dir:
        return Path(settings.pulse_dir).expanduser().absolute()
    facts = (settings.database_url.get_secret_value(), settings.broker, settings.redis_prefix)
    of_stack = hashlib.sha256("\n".join(map(redact, facts)).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"roadmap-worker-{os.getuid()}-{of_stack}"


def pulse_file(node: str) -> Path:
    """Return the file of a worker."""
    return pulse_folder() / f"{urllib.parse.quote(node, safe='@')}.json"


def read_pulses(folder: Path) -> list[Pulse]:
    """Return what the workers that write to a folder said last, the latest first."""
    found: list[Pulse] = []
    if not _is_ours(folder):
        return found
    for path in folder.glob("*.json"):
        try:
            document = _read_whole(path)
            found.append(
                Pulse(**{f.name: document[f.name] for f in fields(Pulse) if f.name in document})
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # of another version, or just being taken away
    return sorted(found, key=lambda pulse: -pulse.at)


def _write_over(path: Path, text: bytes) -> None:
    """Write into the room that a file has already."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if os.pwrite(descriptor, text, 0) != len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def _read_whole(path: Path) -> dict[str, Any]:
    """Read a file that may just be written over: half of one text and half of another is none."""
    for _ in range(_READS - 1):
        with suppress(ValueError):
            return _read(path)
        time.sleep(_READ_AGAIN_S)
    return _read(path)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _is_ours(folder: Path) -> bool:
    """Tell whether nobody else can write there: anybody may make a folder of that name first."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    private = stat.S_IMODE(status.st_mode) & 0o077 == 0
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and private
