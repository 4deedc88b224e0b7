"""Judges a message: is it one of our tasks, with arguments that fit, and nothing else in it?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kombu.utils import json as kombu_json

from core import telemetry
from core.errors import AppError
from core.rejection import Reason
from core.wire_names import REQUEST_ID, RUNG_AT
from worker.intake.compression import decompressed
from worker.intake.headers import check_headers, moment
from worker.intake.refusal import LARGEST_MESSAGE, RefusedError

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Mapping

STARTS_AT: Final = "starts_at"
EXPIRES_AT: Final = "expires_at"
OURS: Final = (REQUEST_ID, telemetry.TRACEPARENT, RUNG_AT, STARTS_AT, EXPIRES_AT)

DEEPEST: Final = 50
LONGEST_WAIT: Final = timedelta(hours=1)
"""What has no row to wait in waits in a worker's memory, but not for longer."""
LONGEST_RETRY: Final = timedelta(minutes=2)
_LONGEST_SHOWN: Final = 1024
_NO_CANVAS: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
_BODY: Final = "its body is not [args, kwargs, embed]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A message, free of what its broker wraps it into."""

    headers: Mapping[str, Any]
    content_type: Any
    content_encoding: Any
    body: bytes
    priority: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A task that may be asked for.

    Attributes:
        signature: Its parameters, the first of which is the delivery.
        check: Raises an `AppError` when the arguments mean nothing; by their parameters' names.
        waits_in_row: It writes down by itself when it may start and until when: Celery is not
            told, since it would wait in the memory of a worker.
    """

    signature: inspect.Signature
    check: Callable[[Mapping[str, Any]], None] | None = None
    waits_in_row: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A message that can be taken.

    Attributes:
        message: As we would have sent it ourselves.
        arguments: What it gives to its task, by the parameters' names.
    """

    message: Incoming
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Call:
    headers: Mapping[str, Any]
    args: list[Any]
    kwargs: dict[str, Any]
    embed: Mapping[str, Any] = field(default_factory=dict)


def judge(message: Incoming, known: Mapping[str, Known]) -> Incoming:
    """Return the message as we would have sent it ourselves.

    Args:
        message: What came.
        known: Which tasks may be asked for, by name.

    Raises:
        RefusedError: It is none that a worker can run.
    """
    return examine(message, known).message


def examine(message: Incoming, known: Mapping[str, Known]) -> Judged:
    """Judge a message, and tell what it asks for.

    Raises:
        RefusedError: It is none that a worker can run.
    """
    try:
        return _judge(message, known)
    except RecursionError:
        raise RefusedError(Reason.BODY, "it is nested too deeply") from None


def _judge(message: Incoming, known: Mapping[str, Known]) -> Judged:
    if len(message.body) > LARGEST_MESSAGE:
        raise RefusedError(Reason.TOO_LARGE, f"its body has {len(message.body)} bytes")
    if message.content_type != "application/json":
        raise RefusedError(Reason.CONTENT_TYPE, "content-type is not application/json")
    if str(message.content_encoding).lower() not in {"utf-8", "utf8"}:
        raise RefusedError(Reason.CONTENT_TYPE, "content-encoding is not utf-8")
    call = _call(message)
    headers = check_headers(call.headers)
    task = known.get(headers["task"])
    if task is None:
        raise RefusedError(Reason.UNKNOWN_TASK, "its task is none of ours")
    if any(call.embed.get(name) for name in _NO_CANVAS):
        raise RefusedError(Reason.CANVAS, "it carries callbacks, a chain or a chord")
    return Judged(
        arguments=_arguments(task, call),
        message=replace(
            message,
            headers=_rewritten(headers, task),
            body=kombu_json.dumps([call.args, call.kwargs, _NO_CANVAS]).encode(),
            content_type="application/json",
            content_encoding="utf-8",
        ),
    )


def _call(message: Incoming) -> _Call:
    """Decode the body, of protocol 2, or of 1, whose body holds everything."""
    body = decompressed(message.body, message.headers.get("compression"))
    try:
        # kombu's decoder makes UUIDs and times of what its encoder made of them
        decoded = kombu_json.loads(body.decode())
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001 - its hooks raise whatever a wrong value makes them raise
        raise RefusedError(Reason.BODY, "its body is not JSON in UTF-8") from None
    if _too_deep(decoded):
        raise RefusedError(Reason.BODY, "its body is nested too deeply")
    if "task" in message.headers:
        if not isinstance(decoded, list) or len(decoded) != 3:  # noqa: PLR2004
            raise RefusedError(Reason.BODY, _BODY)
        headers, (args, kwargs, embed) = message.headers, decoded
    elif isinstance(decoded, dict) and "task" in decoded:
        headers = {**decoded, "group": decoded.get("taskset")}
        args, kwargs, embed = decoded.get("args", []), decoded.get("kwargs", {}), decoded
    else:
        raise RefusedError(Reason.HEADERS, "it names no task")
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise RefusedError(Reason.BODY, "its arguments are not a list and an object")
    if not isinstance(embed, dict | None):
        raise RefusedError(Reason.BODY, _BODY)
    return _Call(headers, args, kwargs, embed or {})


def _arguments(task: Known, call: _Call) -> Mapping[str, Any]:
    try:
        bound = task.signature.bind(None, *call.args, **call.kwargs)
    except TypeError:
        raise RefusedError(Reason.ARGUMENTS, "its arguments do not fit the task") from None
    bound.apply_defaults()
    if task.check is not None:
        try:
            task.check(bound.arguments)
        except AppError as error:
            raise RefusedError(Reason.ARGUMENTS, error.message) from None
    return bound.arguments


def _rewritten(headers: Mapping[str, Any], task: Known) -> dict[str, Any]:
    """Return the headers that Celery needs, and ours; nothing else goes on."""
    eta, expires, times = _times(headers, task)
    ours = {name: headers[name] for name in OURS if headers.get(name)} | times
    return {
        "lang": "py",
        "task": headers["task"],
        "id": headers["id"],
        "root_id": headers.get("root_id") or headers["id"],
        "parent_id": headers.get("parent_id"),
        "group": None,
        "retries": headers.get("retries") or 0,
        "timelimit": list(headers.get("timelimit") or (None, None)),
        "eta": eta,
        "expires": expires,
        "argsrepr": (headers.get("argsrepr") or "")[:_LONGEST_SHOWN],
        "kwargsrepr": (headers.get("kwargsrepr") or "")[:_LONGEST_SHOWN],
        "origin": (headers.get("origin") or "")[:_LONGEST_SHOWN],
        **ours,
        "headers": ours,  # Celery passes these on when it retries
    }


def _times(
    headers: Mapping[str, Any], task: Known
) -> tuple[str | None, str | None, dict[str, str]]:
    """Return Celery's `eta` and `expires`, and the same for a row."""
    eta, expires = moment(headers, "eta"), moment(headers, "expires")
    ahead = eta - datetime.now(UTC) if eta else timedelta(0)
    if not task.waits_in_row:
        if ahead > LONGEST_WAIT:
            raise RefusedError(Reason.HEADERS, "its eta is more than an hour ahead")
        return _text(eta), _text(expires), {}
    times = {STARTS_AT: eta, EXPIRES_AT: expires}
    if headers.get("retries"):  # Celery sends it again after a while, with what it had
        times = {}
        eta = eta if ahead <= LONGEST_RETRY else None
    else:
        eta = None
    return _text(eta), None, {name: at.isoformat() for name, at in times.items() if at}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
