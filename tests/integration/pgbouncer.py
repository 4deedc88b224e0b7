"""A real PgBouncer before a PostgreSQL, as a child of this process, from Debian's package."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from embedded import spawn_child, stop_child
from embedded.ports import free_port
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

START_S: Final = 10.0
_CONFIG: Final = """[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = 4
max_client_conn = 200
server_lifetime = 5
{more}
"""


@contextmanager
def running_pgbouncer(url: str, *, mode: str = "transaction", more: str = "") -> Iterator[str]:
    """Run one before a server; yields the address that leads through it.

    Args:
        url: The server's address.
        mode: Its `pool_mode`.
        more: Further lines of its configuration.
    """
    parts = urlsplit(url)
    own = free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer"))  # it changes its user, who must get there
    command = [need_program("pgbouncer"), str(folder / "config")]
    if os.geteuid() == 0:  # it refuses to run as root
        command[1:1] = ["-u", "nobody"]
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    (folder / "config").write_text(
        _CONFIG.format(
            host=parts.hostname, port=parts.port, own=own, folder=folder, mode=mode, more=more
        )
    )
    (folder / "users").write_text(f'"{parts.username}" "{parts.password}"\n')
    for each in ("config", "users"):
        (folder / each).chmod(0o644)
    process = spawn_child(command, log=folder.with_suffix(".log"))
    deadline = time.monotonic() + START_S
    try:
        while not _listens(own):
            assert process.poll() is None, folder.with_suffix(".log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        user = parts.netloc.rpartition("@")[0]
        yield parts._replace(netloc=f"{user}@127.0.0.1:{own}").geturl()
    finally:
        stop_child(process, steps=[(signal.SIGTERM, 3.0)])
        shutil.rmtree(folder)
        folder.with_suffix(".log").unlink()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
