"""Why a message is set aside."""

from __future__ import annotations

from typing import Final

from core.rejection import Reason

LARGEST_MESSAGE: Final = 1024 * 1024
"""Bytes. A request takes a few kilobytes; what is larger is not even decoded."""


class RefusedError(Exception):
    """A message cannot be taken.

    Attributes:
        reason: Its kind.
        detail: What is wrong, in a sentence without anything of the message's contents.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def unforeseen(error: Exception) -> RefusedError:
    """Return the refusal of a message at which our own code failed."""
    return RefusedError(Reason.NOT_HANDLED, f"handling it failed: {type(error).__name__}")
