"""The folder of a local stack: who holds it, its secrets, and `stack.json`."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.exits import CommandError, usage
from cli.private_files import document, kept, write_private

if TYPE_CHECKING:
    from core.settings import Settings

DEFAULT: Final = Path(".roadmap")
_SECRET_BYTES: Final = 32
_OURS: Final = ("up.lock", "auth_secret", "stack.json", "pgdata")
"""One of these stands in each folder in which a stack ran, of any release."""
_NOBODYS: Final = frozenset({".gitignore", "logs", "pulses", "lost+found", ".DS_Store"})
"""What stands beside them before they are made, and what file systems and desktops put anywhere."""
_NAMED: Final = 3
"""So many files are named of a folder that is not ours."""


class DataDir:
    """A data-dir and the files that `up` and the client commands share in it.

    Args:
        path: The folder; `create` makes it.
    """

    def __init__(self, path: Path) -> None:
        """Name the files; nothing is touched yet.

        Raises:
            CommandError: It begins with a `~` that means nothing here.
        """
        try:
            self.path = path.expanduser().absolute()
        except RuntimeError:  # nobody of that name, or no HOME
            raise usage(
                f"{path} is in the home folder of somebody who has none here. Give another folder "
                "with --data-dir."
            ) from None
        self.stack_file = self.path / "stack.json"
        self.auth_secret_file = self.path / "auth_secret"
        self.flower_file = self.path / "flower_auth"
        self.api_pid_file = self.path / "api.pid"
        self.logs = self.path / "logs"
        self.pulses = self.path / "pulses"
        self._lock_file = self.path / "up.lock"
        self._lock: int | None = None

    def create(self) -> None:
        """Make the folder, and keep it out of Git: it holds secrets.

        Raises:
            CommandError: It cannot be made or written to, or holds what is not ours.
        """
        try:
            self.check_ours()
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check_rights()
            self.logs.mkdir(mode=0o700, exist_ok=True)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
                ignore.chmod(0o600)
        except OSError as error:
            raise self._unusable(error) from None

    def check(self) -> Path:
        """Refuse what `create` would refuse; return the folder, or the one it would be made in.

        A stack that runs here has been let in: whoever looks at it may be another user.

        Raises:
            CommandError: No stack can run here.
        """
        try:
            self.check_ours()
            place = self.path
            while not place.exists():
                if place.is_symlink():
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))  # as of mkdir
                place = place.parent
            if not place.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if place == self.path and not self.is_locked():
                self.check_rights()
            if not os.access(place, os.W_OK | os.X_OK):
                raise usage(f"{place} cannot be written to; choose another with --data-dir")
        except OSError as error:
            raise self._unusable(error) from None
        return place

    def _unusable(self, error: OSError) -> CommandError:
        why = error.strerror
        if isinstance(error, FileExistsError) and self.path.is_symlink():
            why = f"it is a link to {self.path.readlink()}, which is not there"
        return usage(
            f"Cannot use {self.path} as data-dir: {why}. "
            "Give a folder you may write to with --data-dir."
        )

    def check_ours(self) -> None:
        """Refuse a folder with files of somebody else's: ours would be scattered among them.

        Raises:
            CommandError: It is neither absent, nor empty, nor one in which a stack ran.
        """
        if (foreign := self.foreign()) is not None:
            raise usage(foreign)

    def foreign(self) -> str | None:
        """Return why this is no data folder, and what would be; None when it is, or may be made."""
        try:
            names = sorted(entry.name for entry in self.path.iterdir())
        except OSError:
            return None  # absent, or whoever uses it reports the error
        others = [name for name in names if name not in _NOBODYS]
        if not others or any(name in names for name in _OURS):
            return None
        told = ", ".join(others[:_NAMED]) + (", …" if len(others) > _NAMED else "")
        return (
            f"{self.path} holds other files ({told}) and none of a stack. Give a new or an empty "
            f"folder with --data-dir, as in: --data-dir {shlex.quote(str(self.path / DEFAULT))}"
        )

    def check_rights(self) -> None:
        """Refuse a folder that others may change: data, secrets and addresses lie in it.

        Raises:
            CommandError: It belongs to somebody else, or others may write to it or replace it.
        """
        self.check_writers()
        found = self.path.stat()
        if found.st_uid != os.geteuid():
            raise usage(
                f"{self.path} belongs to another user (uid {found.st_uid}), who could change what "
                "runs here. Choose a folder of your own with --data-dir."
            )
        for parent in self.path.resolve().parents:
            mode = parent.stat().st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                raise usage(
                    f"Everybody may write to {parent}, and so replace {self.path}. Choose a folder "
                    f"elsewhere with --data-dir, or: chmod o-w {parent}"
                )

    def check_writers(self) -> None:
        """Refuse a folder that others may write to, also to read what stands in it.

        Raises:
            CommandError: They may.
        """
        from cli.rights import others_may_write  # late: `--help` asks for nobody's rights

        try:
            found = self.path.stat()
        except OSError:
            return  # whoever opens it reports the error
        if others_may_write(found):
            shared = found.st_mode & stat.S_ISVTX  # as /tmp: it must stay open
            raise usage(
                f"Others may write to {self.path} (mode {stat.S_IMODE(found.st_mode):04o}), and so "
                "change what runs here. "
                + (
                    f"Give a folder of your own with --data-dir, as in {self.path / DEFAULT}"
                    if shared
                    else f"Look through it, then: chmod go-w {shlex.quote(str(self.path))}"
                )
            )

    def lock(self) -> None:
        """Hold the folder until the process ends.

        Raises:
            CommandError: Another `up` holds it.
        """
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise self._held() from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._lock = descriptor

    def check_free(self) -> None:
        """Refuse a folder on which a stack runs.

        Raises:
            CommandError: Another `up` holds it.
        """
        if self.is_locked():
            raise self._held()

    def _held(self) -> CommandError:
        holder = self._line(self._lock_file.name) or "unknown"
        by_hand = f" or with `kill -INT {holder}`" if holder.isdigit() else ""
        return usage(
            f"A stack is already running on {self.path} (process {holder}). Stop it with "
            f"Ctrl-C where it runs{by_hand}, or choose another folder with --data-dir."
        )

    def unlock(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def is_locked(self) -> bool:
        """Tell whether a running `up` holds the folder."""
        try:
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def auth_secret(self) -> str:
        """Return the secret that signs tokens, made at the first call."""
        return kept(self.auth_secret_file, lambda: secrets.token_urlsafe(_SECRET_BYTES))

    def known_auth_secret(self) -> str | None:
        """Return that secret, or None when there is none yet."""
        try:
            return self.auth_secret_file.read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def flower_auth(self) -> str:
        """Return Flower's `user:password`, made at the first call."""
        return kept(self.flower_file, lambda: f"admin:{secrets.token_urlsafe(16)}")

    def keep_migration(self, name: str) -> None:
        """Remember that the database in this folder has a migration, and all before it."""
        self._keep_line("migrated", name)

    def migration(self) -> str:
        """Return the migration that was remembered; nothing when there is none."""
        return self._line("migrated")

    def keep_redis_prefix(self, prefix: str) -> None:
        """Tell other commands how the stack's keys begin; they may be run without its settings."""
        self._keep_line("redis_prefix", prefix)

    def redis_prefix(self) -> str:
        """Return how the stack's keys in Redis begin; mostly with nothing."""
        return self._line("redis_prefix")

    def _keep_line(self, name: str, line: str) -> None:
        if line != self._line(name):
            write_private(self.path / name, line + "\n")

    def _line(self, name: str) -> str:
        """Return what a small file holds; nothing when it is not there or cannot be read."""
        try:
            return (self.path / name).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return ""

    def write_stack(self, stack: dict[str, Any]) -> None:
        """Replace `stack.json` at once; readers see the old one or the new one."""
        write_private(self.stack_file, json.dumps(stack, indent=1) + "\n")

    def read_stack(self) -> dict[str, Any] | None:
        """Return the running stack's addresses, or None when there is no `stack.json`."""
        return document(self.stack_file)

    def keep_settings(self, given: dict[str, str]) -> None:
        """Tell other commands what the stack was given that is no secret, by field name."""
        write_private(self.path / "settings.json", json.dumps(given, indent=1) + "\n")

    def kept_settings(self) -> dict[str, str]:
        """Return what the stack was given when it started last; nothing when that is not known."""
        return document(self.path / "settings.json") or {}

    def pulses_by(self, settings: Settings) -> Path:
        """Return where the workers of this folder's stack say what they do."""
        from core.pulse import pulse_folder  # late: it takes long to import, and few ask for it

        return self.pulses if settings.pulse_dir is None else pulse_folder(settings)

    def remove_stack(self) -> None:
        """Take `stack.json` away: nothing answers any more, or not yet."""
        self.stack_file.unlink(missing_ok=True)
