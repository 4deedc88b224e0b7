"""Choosing a port of this machine."""

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below the ranges systems take outgoing ports from (Linux 32768+, macOS 49152+). A client that
# reconnects in a loop to a port of that range while the server is away may be given this very port
# as its own, connect to itself (TCP simultaneous open) and so keep the server from coming back.
_LOWEST, _HIGHEST = 20_000, 31_999
_TRIES = 64


def is_free(port: int, *, host: str = LOOPBACK) -> bool:
    """Say whether a server could listen on `port` now."""
    return why_not(port, host=host) is None


def why_not(port: int, *, host: str = LOOPBACK) -> OSError | None:
    """Return what is in the way of a server that would listen on `port` now."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        # As servers do: connections in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def free_port(*, host: str = LOOPBACK) -> int:
    """Find a port that is free now; another process may still take it before its use.

    Raises:
        OSError: The system has no free port at all, or the host is no address of it.
    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST + 1)
        if is_free(port, host=host):
            return port
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
