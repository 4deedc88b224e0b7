"""Which ports the stack listens on: the one asked for, the usual one, or a free one."""

from __future__ import annotations

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
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


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
    if not is_free(host, asked):
        raise usage(
            f"Port {asked} on {host} is taken, or the address is not of this machine. "
            f"Give another one with {option}, or {option} 0 for any free one."
        )
    return asked
