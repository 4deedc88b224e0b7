"""Why a message is set aside."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

LARGEST_MESSAGE: Final = 1024 * 1024
"""Bytes. A request takes a few kilobytes; what is larger is not even decoded."""


class Reason(StrEnum):
    """Kinds of refusals, few enough for a metric's label."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    ENVELOPE = "envelope"
    """It is JSON, but not a message as Celery's clients put it on a queue."""
    HEADERS = "headers"
    CONTENT_TYPE = "content_type"
    BODY = "body"
    UNKNOWN_TASK = "unknown_task"
    ARGUMENTS = "arguments"
    CANVAS = "canvas"
    """It would have other tasks called."""
    NOT_HANDLED = "not_handled"
    """It passed every check, and still could not be handed to a worker's slot."""


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
