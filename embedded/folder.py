"""One server's data folder: its secret, its remembered port, its log, its locks.

Every file is named after the server (``postgres.log``, ``redis.log``), so the two may share a
folder. All are readable by their owner alone.
"""

import os
import secrets
from pathlib import Path

_LOG_LIMIT_BYTES = 4 * 1024 * 1024
_TAIL_BYTES = 4096
_TAIL_LINES = 15


class ServerFolder:
    """The files of one server below its data folder.

    Args:
        path: The data folder. It is made with rights 0700 when absent; an existing one keeps its
            rights, and so do all folders above it.
        kind: ``postgres`` or ``redis``; the first part of each file's name.
    """

    def __init__(self, path: Path, kind: str) -> None:
        # Absolute at once: the process may change its working folder later.
        self.path = path.absolute()
        self.log_file = self.path / f"{kind}.log"
        self.owner_file = self.path / f"{kind}.lock"
        self.alive_file = self.path / f"{kind}.alive"
        self.password_file = self.path / f"{kind}.password"
        self._port_file = self.path / f"{kind}.port"
        self._log_start = 0

    def create(self) -> None:
        """Make the data folder unless it exists.

        Raises:
            OSError: It cannot be made.
        """
        if not self.path.is_dir():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def password(self) -> str:
        """Read the server's password, making a random one the first time.

        Raises:
            OSError: The file cannot be read or written.
        """
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_hex(24))
        self.password_file.chmod(0o600)
        return self.password_file.read_text(encoding="ascii").strip()

    def secret(self, name: str) -> str:
        """Read a further password of the server's, making a random one the first time.

        Raises:
            OSError: The file cannot be read or written.
        """
        file = self._secret_file(name)
        if not file.exists():
            write_private(file, secrets.token_hex(24))
        file.chmod(0o600)
        return self.known_secret(name)

    def known_secret(self, name: str) -> str:
        """Read a further password of the server's.

        Raises:
            OSError: There is none yet, or it cannot be read.
        """
        return self._secret_file(name).read_text(encoding="ascii").strip()

    def _secret_file(self, name: str) -> Path:
        return self.password_file.with_name(f"{self.password_file.stem}.{name}.password")

    def remembered_port(self) -> int | None:
        """Read the port of the last start; None when there was none."""
        try:
            return int(self._port_file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def remember_port(self, port: int) -> None:
        """Keep `port` for the next start.

        Raises:
            OSError: The file cannot be written.
        """
        if self.remembered_port() != port:
            write_private(self._port_file, str(port))

    def open_log(self) -> int:
        """Open the server's log for appending and return the descriptor.

        A log above 4 MiB is first set aside as ``<name>.log.1``, replacing the one before.

        Raises:
            OSError: It cannot be opened.
        """
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.log_file, flags, 0o600)
        self._log_start = os.fstat(descriptor).st_size
        return descriptor

    def log_tail(self) -> str:
        """Return the last lines written to the log since `open_log`; "" when there are none."""
        try:
            with self.log_file.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, size - _TAIL_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-_TAIL_LINES:])


def write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner alone.

    Raises:
        OSError: The folder cannot be written to.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
