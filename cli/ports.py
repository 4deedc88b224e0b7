"""Which ports the stack listens on: the one asked for, the usual one, or a free one."""

from __future__ import annotations

import errno
import secrets
import socket
from typing import Final

from cli.exits import usage

# Below the ranges from which systems take outgoing ports (Linux 32768+, macOS 49152+): a client
# that reconnects in a loop may otherwise be given this very port as its own.
_LOWEST: Final = 20_000
_HIGHEST: Final = 31_999
_TRIES: Final = 64


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there now."""
    return why_not(host, port) is None


def why_not(host: str, port: int) -> OSError | None:
    """Return what is in the way of a server that would listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def free_port(host: str) -> int:
    """Return a port that is free now."""
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST + 1)
        if is_free(host, port):
            return port
    raise usage(f"There is no free port on {host}; is the address right? See --host.")


def choose_port(host: str, asked: int | None, usual: int, *, option: str) -> int:
    """Return the port to use.

    Args:
        host: The address to listen on.
        asked: The port the user gave: 0 is any free one, None leaves it to us.
        usual: The default; when it is taken another free one is as good.
        option: What to name in the message.

    Raises:
        CommandError: The port that was asked for is taken.
    """
    if asked is None:
        return usual if is_free(host, usual) else free_port(host)
    if asked == 0:
        return free_port(host)
    reason = why_not(host, asked)
    if reason is not None:
        raise usage(f"{_told(reason, host, asked)} {_elsewhere(reason, option)}")
    return asked


def _told(reason: OSError, host: str, port: int) -> str:
    if reason.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken."
    if reason.errno in {errno.EACCES, errno.EPERM}:
        return (
            f"You may not listen on port {port}: the system keeps low ports for root (Linux: below"
            " net.ipv4.ip_unprivileged_port_start, 1024 by default)."
        )
    if reason.errno == errno.EADDRNOTAVAIL or isinstance(reason, socket.gaierror):
        return f"{host} is no address of this machine."
    return f"Nobody can listen on port {port} of {host}: {reason.strerror or reason}."


def _elsewhere(reason: OSError, option: str) -> str:
    if reason.errno == errno.EADDRNOTAVAIL or isinstance(reason, socket.gaierror):
        return "Give one that it has with --host, such as 127.0.0.1."
    last = option.rsplit(" ", 1)[-1]  # of "ROADMAP_API_PORT or --port"
    return f"Give another one with {option}, or {last} 0 for any free one."
