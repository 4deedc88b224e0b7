"""A real RabbitMQ as a child of this process, from Debian's package."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from embedded import spawn_child, stop_child
from embedded.ports import free_port
from tests.system_packages import need_program

if TYPE_CHECKING:
    import subprocess
    from typing import Self

START_S: Final = 90.0
STARTER: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Not the one on the PATH: that changes to a user of its own."""


class RabbitMQ:
    """One node on loopback, its data in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.port, self._dist, self._epmd_port = free_port(), free_port(), free_port()
        self._folder = folder
        self._log = folder / "rabbitmq.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        home = folder / "home"
        home.mkdir()
        (folder / "plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        self._env = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"roadmap{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }

    @property
    def url(self) -> str:
        """Its address, for Celery."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it, and wait until it speaks AMQP."""
        need_program("rabbitmq-server")
        epmd = need_program("epmd", package="erlang-base")  # or it would leave a daemon behind
        for command in ([epmd, "-port", str(self._epmd_port)], [STARTER]):
            self._processes.append(spawn_child(command, env=self._env, log=self._log))
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._processes[-1].poll() is None, self._log.read_text()[-3000:]
            assert time.monotonic() < deadline, self._log.read_text()[-3000:]
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it; its data stays."""
        while self._processes:
            stop_child(self._processes.pop(), steps=[(signal.SIGTERM, 20.0)])

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"  # Connection.Start
        return False

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop it."""
        self.stop()
