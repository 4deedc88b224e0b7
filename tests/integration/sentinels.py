"""A Redis with a replica and a Sentinel, and a Unix socket, as children of this process."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import redis

from embedded import spawn_child, stop_child
from embedded.ports import free_port
from embedded.redis_binary import OLDEST, find_redis

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD: Final = "p@ss/w:rd#%"
NAME: Final = "roadmap"
START_S: Final = 20.0
_SERVER: Final = f"""bind 127.0.0.1
requirepass "{PASSWORD}"
masterauth "{PASSWORD}"
port {{own}}
unixsocket {{folder}}/socket
"""
_SENTINEL: Final = f"""bind 127.0.0.1
requirepass sentinels
sentinel monitor {NAME} 127.0.0.1 {{primary}} 1
sentinel auth-pass {NAME} "{PASSWORD}"
sentinel down-after-milliseconds {NAME} 1000
sentinel failover-timeout {NAME} 5000
port {{own}}
"""


class Guarded:
    """A primary, its replica and their Sentinel."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = str(find_redis(None, oldest=OLDEST).program)
        self.primary, self.replica, self.sentinel = (free_port() for _ in range(3))
        self.socket = folder / "primary" / "socket"
        self.running = {
            "primary": self._start("primary", _SERVER, self.primary),
            "replica": self._start(
                "replica", f"{_SERVER}replicaof 127.0.0.1 {self.primary}\n", self.replica
            ),
            "sentinel": self._start("sentinel", _SENTINEL, self.sentinel, "--sentinel"),
        }

    def named_by_sentinel(self) -> int | None:
        """Return the port of the primary as the Sentinel sees it."""
        with (
            suppress(redis.RedisError),
            redis.Redis(port=self.sentinel, password="sentinels", socket_timeout=1) as asked,
        ):
            told = asked.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
            replicas = asked.execute_command("SENTINEL", "REPLICAS", NAME)
            return int(told[1]) if replicas else None
        return None

    def wait_for(self, port: int) -> None:
        """Wait until the Sentinel names a server, and knows of a replica to take over."""
        deadline = time.monotonic() + START_S
        while self.named_by_sentinel() != port:
            assert time.monotonic() < deadline, "the Sentinel does not name it"
            time.sleep(0.05)

    def _start(self, name: str, config: str, own: int, *options: str) -> subprocess.Popen[bytes]:
        folder = self._folder / name
        folder.mkdir()
        filled = config.format(own=own, folder=folder, primary=self.primary)
        (folder / "redis.conf").write_text(filled)
        command = [self._program, "redis.conf", *options]
        return spawn_child(command, cwd=folder, log=folder / "log")


@contextmanager
def running_sentinels(folder: Path) -> Iterator[Guarded]:
    """Run them until the Sentinel knows both servers."""
    guarded = Guarded(folder)
    try:
        guarded.wait_for(guarded.primary)
        yield guarded
    finally:
        for process in guarded.running.values():
            stop_child(process, steps=[(signal.SIGTERM, 3.0)])
