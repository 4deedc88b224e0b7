"""Remote control: what Flower asks of workers, and nothing else.

Celery's workers obey whoever can publish to the broker: they would stop, shrink, listen to other
queues. Ours answer questions, cancel tasks and take time limits; the rest is for the supervisor.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from celery import signals

from core.rejection import Reason
from worker.intake.envelope import parse
from worker.intake.refusal import LARGEST_MESSAGE, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.intake.message import Incoming

PIDBOX: Final = "celery.pidbox"
REPLIES: Final = "reply.celery.pidbox"
QUESTIONS: Final = frozenset(
    {
        "active",
        "active_queues",
        "clock",
        "conf",
        "hello",
        "ping",
        "query_task",
        "registered",
        "report",
        "reserved",
        "revoked",
        "scheduled",
        "stats",
    }
)
ORDERS: Final = frozenset(
    {"disable_events", "enable_events", "heartbeat", "revoke", "terminate", "time_limit"}
)
_ALIASES: Final = frozenset(
    {"dump_active", "dump_reserved", "dump_revoked", "dump_schedule", "dump_tasks"}
)
ALLOWED: Final = QUESTIONS | ORDERS | _ALIASES
_LONGEST: Final = 255
_LARGEST_CLOCK: Final = 2**63


def _number(value: Any) -> bool:
    return type(value) in {int, float} and 0 <= value < _LARGEST_CLOCK


def _name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _names(value: Any) -> bool:
    return _name(value) or (isinstance(value, list) and all(map(_name, value)))


def _revoked(value: Any) -> bool:
    """Tell whether these are ids, as workers send when they start, or ids with stamps (5.6)."""
    if isinstance(value, dict):
        return all(map(_name, value)) and all(map(_number, value.values()))
    return isinstance(value, list) and all(map(_name, value))


_ARGUMENTS: Final[dict[str, Callable[[Any], bool]]] = {
    "task_id": _names,
    "ids": _names,
    "signal": _name,
    "task_name": _name,
    "hard": _number,
    "soft": _number,
    "from_node": _name,
    "revoked": _revoked,
}


def check_control(message: Incoming, *, exchange: str) -> None:
    """Check a message that is no task's: a command, an answer to one, an event.

    Raises:
        RefusedError: Celery would fail at it, or must not obey it.
    """
    _check_headers(message)
    if message.content_type != "application/json":
        raise RefusedError(Reason.CONTENT_TYPE, "content-type is not application/json")
    if len(message.body) > LARGEST_MESSAGE:
        raise RefusedError(Reason.TOO_LARGE, f"its body has {len(message.body)} bytes")
    body = parse(message.body)
    if not isinstance(body, dict | list):
        raise RefusedError(Reason.BODY, "its body is neither an object nor a list")
    if exchange == PIDBOX:
        _check_command(body)


def _check_headers(message: Incoming) -> None:
    for name in ("clock", "expires"):
        if not _number(message.headers.get(name, 0)):
            raise RefusedError(Reason.HEADERS, f"its {name} cannot be used")
    if message.headers.get("compression") is not None:
        raise RefusedError(Reason.CONTENT_TYPE, "it is compressed")
    if not isinstance(message.headers.get("ticket", ""), str):
        raise RefusedError(Reason.HEADERS, "its ticket cannot be used")


def _check_command(body: Any) -> None:
    if not isinstance(body, dict):
        raise RefusedError(Reason.BODY, "its body is no command")
    method = body.get("method")
    if not isinstance(method, str) or len(method) > _LONGEST:
        raise RefusedError(Reason.BODY, "it names no command")
    arguments = body.get("arguments")
    if not isinstance(arguments, dict | None):
        raise RefusedError(Reason.ARGUMENTS, "its arguments are no object")
    _check_fits(method, arguments or {})
    for name, value in (arguments or {}).items():
        if name in _ARGUMENTS and value is not None and not _ARGUMENTS[name](value):
            raise RefusedError(Reason.ARGUMENTS, f"its argument {name} cannot be used")
    if body.get("pattern") is not None or body.get("matcher") is not None:
        # even a short regular expression may keep the worker busy for hours
        raise RefusedError(Reason.BODY, "it names workers by a pattern")
    named = body.get("destination")
    if named is not None and not (
        isinstance(named, list) and all(isinstance(name, str) for name in named)
    ):
        raise RefusedError(Reason.BODY, "its destination is no list of workers")
    if not isinstance(body.get("ticket"), str | None):
        raise RefusedError(Reason.BODY, "its ticket cannot be used")
    _check_reply_address(body.get("reply_to"))
    unknown = body.keys() - {
        *("method", "arguments", "destination", "pattern", "matcher", "ticket", "reply_to")
    }
    if unknown:
        raise RefusedError(Reason.BODY, "it has parts that no command has")


def _check_fits(method: str, arguments: dict[str, Any]) -> None:
    """Refuse what the worker would only write a traceback about."""
    from celery.worker.control import Panel  # workers only

    command = Panel.data.get(method)
    if command is None:
        raise RefusedError(Reason.BODY, "there is no such command")
    try:
        inspect.signature(command).bind(None, **arguments)
    except TypeError:
        raise RefusedError(Reason.ARGUMENTS, "its arguments do not fit the command") from None


def _check_reply_address(address: Any) -> None:
    if address is None:
        return
    if (
        not isinstance(address, dict)
        or address.get("exchange") != REPLIES
        or not isinstance(address.get("routing_key"), str)
        or len(address["routing_key"]) > _LONGEST
    ):
        raise RefusedError(Reason.BODY, "it asks for an answer where none is read")


def _restrict(**_: Any) -> None:
    """Take the other commands from the panel; whoever asks is told so."""
    from celery.worker.control import Panel  # workers only

    def refuse(_state: Any, **_: Any) -> dict[str, str]:
        return {
            "error": "Not allowed: workers are stopped, sized and pointed at queues where they are"
            " started; see Brokers in docs/OPERATIONS.md."
        }

    for name in list(Panel.data):
        if name not in ALLOWED:
            Panel.data[name] = refuse


signals.worker_init.connect(_restrict)
