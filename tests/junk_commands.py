"""Makes broken remote control commands, and such as no worker may obey."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.junk import MISSING, WRONG, Case, case, changed, paths, raw_garbage, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator


_PARTS: Final = ("method", "arguments", "destination", "pattern", "matcher")


def command(order: Any = "ping", /, **parts: Any) -> dict[str, Any]:
    """Return a remote control command as Celery's clients make it."""
    body = {
        "method": order,
        "arguments": {},
        "destination": None,
        "pattern": None,
        "matcher": None,
        **parts,
    }
    text = json.dumps({name: part for name, part in body.items() if part is not MISSING})
    return wrapped(text.encode(), {"clock": 1, "expires": 0})


ORDERS: Final = {
    "shutdown": {},
    "pool_shrink": {"n": 2},
    "pool_grow": {"n": 2000},
    "pool_restart": {"reload": True, "modules": ["os"]},
    "autoscale": {"max": 0, "min": 0},
    "rate_limit": {"task_name": "roadmap.generate", "rate_limit": "1/h"},
    "add_consumer": {"queue": "elsewhere"},
    "cancel_consumer": {"queue": "roadmap"},
    "election": {"id": "1", "topic": "task", "action": {"task": "x"}},
    "revoke_by_stamped_headers": {"headers": {"x": "y"}},
    "memsample": {},
    "objgraph": {"num": 10},
}
"""What Celery's workers do for anybody, and ours do not."""


def commands() -> Iterator[Case]:
    """Yield all of them."""
    yield from raw_garbage()
    yield from _broken()
    yield case("a pattern that takes hours", command(pattern="(a+)+$", matcher="pcre"))
    reply_to = {"exchange": "", "routing_key": "roadmap"}
    yield case("an answer for our own queue", command(reply_to=reply_to, ticket="1"))
    for order, arguments in ORDERS.items():
        yield case(order, command(order, arguments=arguments), refused=None)
    for order in ("revoke", "time_limit", "terminate", "query_task", "hello", "conf", "active"):
        for name, value in WRONG.items():
            if value is not MISSING:
                given = {"task_id": value, "ids": value, "from_node": value, "signal": value}
                given |= {"task_name": value, "hard": value, "soft": value, "revoked": value}
                yield case(f"{order} of {name}", command(order, arguments=given), refused=None)


def _broken() -> Iterator[Case]:
    for name, value in WRONG.items():
        for path in paths():
            yield case(f"{path}: {name}", changed(command(), path, value), refused=None)
        for part in (*_PARTS, "ticket", "reply_to"):
            yield case(f"command's {part}: {name}", command(**{part: value}), refused=None)
        for header in ("clock", "expires", "ticket", "compression"):
            headers = {} if value is MISSING else {header: value}
            message = {**command(), "headers": headers}
            yield case(f"command's header {header}: {name}", message, refused=None)
