"""The headers of Celery's protocol: which there are, and what each may be."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from core.rejection import Reason
from worker.intake.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_ID: Final = 255
LONGEST_TEXT: Final = 64 * 1024
_LONGEST_LIMIT_S: Final = 10**7
_MOST_RETRIES: Final = 1_000_000


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_RETRIES


def _limits(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2  # noqa: PLR2004 - hard and soft
        and all(limit is None or _seconds(limit) for limit in value)
    )


def _seconds(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 < value <= _LONGEST_LIMIT_S


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(_name(name) for name in value)


_KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "lang": _name,
    "task": _name,
    "id": _name,
    "root_id": _name,
    "parent_id": _name,
    "group": _name,
    "group_index": _count,
    "meth": _text,
    "shadow": _text,
    "origin": _text,
    "argsrepr": _text,
    "kwargsrepr": _text,
    "eta": _name,
    "expires": _name,
    "retries": _count,
    "timelimit": _limits,
    "ignore_result": lambda value: isinstance(value, bool),
    "replaced_task_nesting": _count,
    "stamped_headers": _names,
    "stamps": lambda value: isinstance(value, dict),
    "compression": _name,
    "rung_at": _name,
    "request_id": _name,
    "traceparent": _name,
    "starts_at": _name,
    "expires_at": _name,
}
_TIMES: Final = ("eta", "expires", "rung_at", "starts_at", "expires_at")


def check_headers(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the headers if each that we know is what it should be.

    Raises:
        RefusedError: One is not, or the task's name or the delivery's id is missing.
    """
    for name in ("task", "id"):
        if headers.get(name) is None:
            raise RefusedError(Reason.HEADERS, f"it has no {name}")
    for name, fits in _KINDS.items():
        value = headers.get(name)
        if value is not None and not fits(value):
            raise RefusedError(Reason.HEADERS, f"its {name} cannot be used")
    for name in _TIMES:
        moment(headers, name)
    return headers


def moment(headers: Mapping[str, Any], name: str) -> datetime | None:
    """Return the time in a header, in UTC; one without an offset is taken for UTC.

    Raises:
        RefusedError: It is none.
    """
    text = headers.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        raise RefusedError(Reason.HEADERS, f"its {name} is not a time") from None
