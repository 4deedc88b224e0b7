"""Which ports the stack listens on: the one asked for, the usual one, or a free one."""

from __future__ import annotations

import errno
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from cli.exits import CommandError, usage
from cli.options import FLOWER_HOST

if TYPE_CHECKING:
    from cli.options import StackOptions


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
    from embedded.ports import is_free, why_not  # late: `--help` needs no servers

    if asked is None:
        return usual if is_free(usual, host=host) else _any_free(host)
    if asked == 0:
        return _any_free(host)
    reason = why_not(asked, host=host)
    if reason is not None:
        raise usage(f"{_why_not(reason, host, asked)} {_way_out(reason, option)}")
    return asked


def elsewhere(options: StackOptions, name: str) -> StackOptions | None:
    """Return the options with another port for a process that ended, or None when it may stay.

    A port that was free when it was chosen may be taken when the process gets there: two stacks
    that are started in the same second both see 8000 free. The process then ends.

    Args:
        options: The stack's.
        name: The process that ended.

    Raises:
        CommandError: The port is taken, and the user asked for that one.
    """
    from embedded.ports import is_free  # late, as above

    host, port = _place(options, name)
    if port is None or is_free(port, host=host):
        return None
    if name not in options.movable:
        raise _taken(name, host, port)
    other = _any_free(host)
    if name == "api":
        return replace(options, port=other)
    return replace(options, flower_port=other)


def _place(options: StackOptions, name: str) -> tuple[str, int | None]:
    if name == "api":
        return options.host, options.port
    if name == "flower":
        return FLOWER_HOST, options.flower_port
    return "", None


def _taken(name: str, host: str, port: int) -> CommandError:
    option = "--port" if name == "api" else "--flower-port"
    return usage(
        f"Port {port} on {host} was taken by another program while the stack started. "
        f"Give another one with {option}, or {option} 0 for any free one."
    )


def _any_free(host: str) -> int:
    from embedded.ports import free_port  # late, as above

    try:
        return free_port(host=host)
    except OSError:
        raise usage(f"There is no free port on {host}; is the address right? See --host.") from None


def _why_not(reason: OSError, host: str, port: int) -> str:
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


def _way_out(reason: OSError, option: str) -> str:
    if reason.errno == errno.EADDRNOTAVAIL or isinstance(reason, socket.gaierror):
        return "Give one that it has with --host, such as 127.0.0.1."
    last = option.rsplit(" ", 1)[-1]  # of "ROADMAP_API_PORT or --port"
    return f"Give another one with {option}, or {last} 0 for any free one."
