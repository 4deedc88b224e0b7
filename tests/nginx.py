"""deploy/nginx.conf in a real nginx on a port of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from embedded import spawn_child
from embedded.ports import free_port
from tests.system_packages import need_program

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = Path(__file__).parents[1] / "deploy/nginx.conf"
READ_TIMEOUT_S = 1
"""Of the proxy in these tests, so that they need not wait for a minute."""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx."""

    address: str
    log: Path


@contextmanager
def proxying(
    upstream: str,
    folder: Path,
    *,
    below: str = "",
    taken_off: bool = False,
    read_timeout_s: int = READ_TIMEOUT_S,
) -> Iterator[Nginx]:
    """Run our configuration on a free port; only addresses, paths and one time-out differ.

    Args:
        upstream: The API's address.
        folder: For its files.
        below: The sub-path that it tells the API.
        taken_off: It takes `/learn` off before it asks.
        read_timeout_s: How long a stream may be silent.
    """
    program = need_program("nginx")
    port = free_port()
    text = CONFIG.read_text()
    for ours, here in (
        ("server api:8000", f"server {upstream.removeprefix('http://')}"),
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("/tmp/", f"{folder}/"),  # noqa: S108 - replaced by a folder of the test's own
        ("proxy_read_timeout 60s", f"proxy_read_timeout {read_timeout_s}s"),
        ("worker_processes auto", "worker_processes 1"),
        ('X-Forwarded-Prefix ""', f'X-Forwarded-Prefix "{below}"'),
        ("# rewrite ^/roadmaps", "rewrite ^/learn" if taken_off else "# rewrite ^/roadmaps"),
    ):
        assert ours in text
        text = text.replace(ours, here)
    (folder / "nginx.conf").write_text(text)
    user = "user root; " if os.geteuid() == 0 else ""  # or its workers could not enter the folder
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    command += ["-g", f"{user}daemon off;"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    log = folder / "nginx.log"
    process = spawn_child(command, log=log, death_signal=signal.SIGTERM)
    try:
        deadline = time.monotonic() + 10
        while not _answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
        yield Nginx(f"http://127.0.0.1:{port}", log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/metrics").status_code == 404
    except httpx.TransportError:
        return False
