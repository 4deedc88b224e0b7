"""A host that vanishes: from one moment on its connections neither answer nor end.

The test takes the sockets of a process to itself, so that none is closed when the process is
killed, and lets each drop whatever arrives, so that no question of TCP's own is answered.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
from typing import TYPE_CHECKING, Final

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIDFD_GETFD: Final = 438
_SO_ATTACH_FILTER: Final = 26
_DROP_EVERYTHING: Final = struct.pack("HBBI", 0x06, 0, 0, 0)
"""One instruction of a classic packet filter: keep 0 bytes."""


@contextlib.contextmanager
def vanished(pid: int, port: int) -> Iterator[int]:
    """Let a process's connections to this port fall silent; yields how many there were.

    The process itself goes on until somebody kills it.
    """
    with contextlib.ExitStack() as kept:
        process = os.pidfd_open(pid)
        kept.callback(os.close, process)
        found = 0
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.raddr and connection.raddr.port == port:
                taken = kept.enter_context(socket.socket(fileno=_take(process, connection.fd)))
                try:
                    _drop_everything(taken)
                except PermissionError as error:
                    pytest.skip(f"only root may silence another process's socket: {error}")
                found += 1
        yield found


def _take(process: int, descriptor: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    taken: int = libc.syscall(_PIDFD_GETFD, process, descriptor, 0)
    if taken < 0:
        code = ctypes.get_errno()
        if code in {errno.EPERM, errno.ENOSYS}:
            pytest.skip(f"this system lets no process take a socket: {os.strerror(code)}")
        raise OSError(code, os.strerror(code))
    return taken


def _drop_everything(taken: socket.socket) -> None:
    program = ctypes.create_string_buffer(_DROP_EVERYTHING)
    taken.setsockopt(
        socket.SOL_SOCKET,
        _SO_ATTACH_FILTER,
        struct.pack("HxxxxxxP", 1, ctypes.addressof(program)),
    )
