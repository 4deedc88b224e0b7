"""Exit codes, and the errors that end a command with one of them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from core.errors import AppError


class ExitCode(IntEnum):
    """What a command's end means; scripts rely on it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    UNREACHABLE = 4
    REVIEW = 5
    INTERRUPTED = 130


EPILOG: Final = (
    "Exit codes: 0 done, 1 the task failed or was cancelled, 2 usage or settings, "
    "3 some contents failed, 4 a service cannot be reached, 5 waiting for a review, "
    "130 interrupted. A reader that leaves (`| head`) ends a command with 0."
)
"""Shown at the end of every `--help`."""


class CommandError(AppError):
    """A command cannot go on; the message says what happened and what to do next."""

    code = "command_failed"

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        """Keep the message and the exit code it ends the command with."""
        super().__init__(message)
        self.exit_code = exit_code


def usage(message: str) -> CommandError:
    """Return the error for something the user has to say differently."""
    return CommandError(message, ExitCode.USAGE)


def unreachable(message: str) -> CommandError:
    """Return the error for a service that does not answer."""
    return CommandError(message, ExitCode.UNREACHABLE)


def failed(message: str) -> CommandError:
    """Return the error for a command whose own work failed."""
    return CommandError(message, ExitCode.FAILED)
