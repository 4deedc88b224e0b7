"""The kinds of messages that workers set aside, for whoever counts them."""

from __future__ import annotations

from enum import StrEnum


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
    """Its headers or callbacks would make Celery call further tasks."""
    NOT_HANDLED = "not_handled"
    """It passed every check, and still could not be handed to a worker's slot."""
