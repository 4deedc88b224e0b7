"""Choosing a port on 127.0.0.1."""

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below the ranges systems take outgoing ports from (Linux 32768+, macOS 49152+). A client that
# reconnects in a loop to a port of that range while the server is away may be given this very port
# as its own, connect to itself (TCP simultaneous open) and so keep the server from coming back.
_LOWEST, _HIGHEST = 20_000, 31_999
_TRIES = 64


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As both servers do: connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Find a port that is free now; another process may still take it before its use.

    Raises:
        OSError: The system has no free port at all.
    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST + 1)
        if is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
