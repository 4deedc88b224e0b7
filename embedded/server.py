"""The life of an embedded server, the same for PostgreSQL and Redis: start, watch, stop."""

import errno
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

from embedded.binaries import Binaries, Source
from embedded.children import stop_child
from embedded.errors import NEXT_STEP, EmbeddedServerError, explained
from embedded.folder import ServerFolder
from embedded.locks import lock_within, try_lock, write_holder
from embedded.ports import free_port, is_free

_POLL_S = 0.004
_PORT_TRIES = 5
_LEFTOVERS_S = 10.0
_FULL = (os.strerror(errno.ENOSPC), "Check free disk space")
"""How servers say it: the system's word, and PostgreSQL's hint where a write was cut short."""


B = TypeVar("B", bound=Binaries)


class EmbeddedServer(ABC, Generic[B]):
    """A server process that is our child, its data folder, and the locks that guard it."""

    _title: ClassVar[str]
    _kind: ClassVar[str]
    _stop_steps: ClassVar[Sequence[tuple[signal.Signals, float]]]
    """Signals in order, each with its share of ``timeout_s``; SIGKILL of the group follows."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = ServerFolder(data_dir, self._kind)
        self._binaries: B | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: int | None = None
        self._port: int | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        return self._process.pid if self._process and self.alive() else None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1; known from the first start on."""
        if self._port is None:
            raise EmbeddedServerError(f"{self._title} has not been started: call start() first.")
        return self._port

    @property
    def version(self) -> str:
        """The server's version, as in ``18.4``; known from the first start on."""
        return self._found.version

    @property
    def source(self) -> Source:
        """Where its programs came from; known from the first start on."""
        return self._found.source

    @property
    def _found(self) -> B:
        if self._binaries is None:
            raise EmbeddedServerError(f"{self._title} has not been started: call start() first.")
        return self._binaries

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, password included; known from the first start on."""

    def alive(self) -> bool:
        """Say whether the server process runs; one that has ended is reaped."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, timeout_s: float = 30) -> None:
        """Start the server and return when it accepts clients.

        May be called again after `stop`, or when the server has died. The port of the last start
        is used again if it is free, so that clients reconnect.

        Args:
            timeout_s: For everything together, in seconds.

        Raises:
            EmbeddedServerError: It runs already, its binaries are missing, its folder cannot be
                used, or it does not become ready in time. Nothing is left running.
        """
        if self.alive():
            raise EmbeddedServerError(f"{self._title} is already running, pid {self.pid}.")
        deadline = time.monotonic() + timeout_s
        with explained(f"Starting {self._title}", self._folder.path):
            self._release()
            self._folder.create()
            owner_lock = self._owner_lock = self._take_folder()
            try:
                self._start_with_folder(owner_lock, deadline)
            except BaseException:
                # An interrupted start must not leave a server behind.
                self.stop()
                self._release()
                raise

    def stop(self, *, timeout_s: float = 10) -> None:
        """Stop the server, more firmly as time passes; does nothing when it does not run.

        Args:
            timeout_s: For the polite steps together, in seconds; SIGKILL follows.

        Raises:
            EmbeddedServerError: Not even SIGKILL ended it.
        """
        if self._process is None:
            return
        steps = [(number, share * timeout_s) for number, share in self._stop_steps]
        try:
            stop_child(self._process, steps=steps)
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(
                f"{self._title}, pid {self._process.pid}, does not end even on SIGKILL: it hangs "
                "inside the kernel. What to do: check the disk and the system's log."
            ) from error
        # After a crash of the main process its helpers end a moment later. Where the folder has
        # been taken away, or cannot be written to any more, nothing tells when.
        with suppress(OSError):
            leftovers = lock_within(self._folder.alive_file, _LEFTOVERS_S)
            if leftovers is not None:
                os.close(leftovers)
        self._release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self, alive_lock: int, deadline: float) -> None:
        """Find the binaries and lay out the data; `alive_lock` goes to every child."""

    @abstractmethod
    def _launch(self, port: int, log: int, alive_lock: int) -> subprocess.Popen[bytes]:
        """Start the server process, its output going to the descriptor `log`."""

    @abstractmethod
    def _ready(self, process: subprocess.Popen[bytes], port: int) -> bool:
        """Look once, quickly, whether the server accepts clients."""

    @abstractmethod
    def _finish(self, deadline: float) -> None:
        """Do what needs a running server before anybody else uses it."""

    def _take_folder(self) -> int:
        owner_lock = try_lock(self._folder.owner_file)
        if owner_lock is None:
            holder = self._folder.owner_file.read_text(encoding="utf-8")
            raise EmbeddedServerError(
                f"{self._title} is already running on {self._folder.path} "
                f"({holder or 'just starting'}). What to do: use that one, stop it first, or "
                "choose another data folder."
            )
        return owner_lock

    def _start_with_folder(self, owner_lock: int, deadline: float) -> None:
        alive_lock = self._wait_for_leftovers(deadline)
        try:
            write_holder(owner_lock, f"starting, supervisor pid {os.getpid()}")
            self._prepare(alive_lock, deadline)
            self._start_on_a_port(alive_lock, deadline)
            self._finish(deadline)
            write_holder(owner_lock, f"pid {self.pid}, supervisor pid {os.getpid()}")
        finally:
            # From here on only the server's processes hold it.
            os.close(alive_lock)

    def _wait_for_leftovers(self, deadline: float) -> int:
        patience_s = min(_LEFTOVERS_S, deadline - time.monotonic())
        alive_lock = lock_within(self._folder.alive_file, patience_s)
        if alive_lock is None:
            last = self._folder.owner_file.read_text(encoding="utf-8")
            raise EmbeddedServerError(
                f"An earlier {self._title} on {self._folder.path} has lost its supervisor and "
                f"still runs ({last}). What to do: end it with `kill -INT` and its pid, then "
                "start again."
            )
        return alive_lock

    def _start_on_a_port(self, alive_lock: int, deadline: float) -> None:
        port = self._port or self._folder.remembered_port()
        for _ in range(_PORT_TRIES):
            if port is None or not is_free(port):
                port = free_port()
            log = self._folder.open_log()
            try:
                self._process = self._launch(port, log, alive_lock)
            finally:
                os.close(log)
            if self._wait_until_ready(self._process, port, deadline):
                self._port = port
                self._folder.remember_port(port)
                return
            if is_free(port):
                break  # it ended for another reason than the port
        raise EmbeddedServerError(
            self._with_log(f"{self._title} ended while starting; its log says why.")
        )

    def _wait_until_ready(
        self, process: subprocess.Popen[bytes], port: int, deadline: float
    ) -> bool:
        while process.poll() is None:
            if self._ready(process, port):
                return True
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    self._with_log(f"{self._title} is not ready in time: allow it more seconds.")
                )
            time.sleep(_POLL_S)
        return False

    def _with_log(self, message: str) -> str:
        tail = self._folder.log_tail() or "(nothing)"
        if any(words in tail for words in _FULL):
            message += f" What to do: {NEXT_STEP[errno.ENOSPC]}."
        return f"{message} The end of its log, {self._folder.log_file}:\n{tail}"

    def _release(self) -> None:
        self._process = None
        if self._owner_lock is not None:
            os.close(self._owner_lock)
            self._owner_lock = None
