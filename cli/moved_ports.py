"""Chooses another port for a process when another program was quicker to listen on its own.

A port that was free when it was chosen may be taken when the process gets there: two stacks that
are started in the same second both see 8000 free. The process then ends; here it gets another port.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cli.exits import CommandError, usage
from cli.options import FLOWER_HOST
from cli.ports import free_port, is_free

if TYPE_CHECKING:
    from cli.options import StackOptions


def elsewhere(options: StackOptions, name: str) -> StackOptions | None:
    """Return the options with another port for a process that ended, or None when it may stay.

    Args:
        options: The stack's.
        name: The process that ended.

    Raises:
        CommandError: The port is taken, and the user asked for that one.
    """
    host, port = _place(options, name)
    if port is None or is_free(host, port):
        return None
    if name not in options.movable:
        raise _taken(name, host, port)
    other = free_port(host)
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
