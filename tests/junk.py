"""Makes broken messages: every part of an envelope missing, of each wrong type, huge, deep, odd."""

from __future__ import annotations

import base64
import bz2
import copy
import json
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HUGE: Final = "x" * 2_200_000
DEEP: Final = "[" * 10_000 + "]" * 10_000
MISSING: Final = object()
WRONG: Final[dict[str, Any]] = {
    "missing": MISSING,
    "null": None,
    "true": True,
    "number": 7,
    "negative": -1,
    "float": 1.5,
    "infinite": float("inf"),
    "not a number": float("nan"),
    "large number": 10**400,
    "empty text": "",
    "text": "x",
    "NUL": "\x00",
    "surrogate": "\ud800",
    "escape": "\x1b[2J",
    "list": [],
    "list of lists": [[], [[]]],
    "object": {},
    "object of objects": {"x": {"y": []}},
    "long text": "y" * 70_000,
    "huge text": HUGE,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One message as it lies in the queue.

    Attributes:
        name: What is wrong with it.
        raw: Its bytes.
        refused: Whether it has to be set aside; None when a worker may as well take it.
    """

    name: str
    raw: bytes
    refused: bool | None = True


def body_of(task: str = "roadmap.resume") -> list[Any]:
    """Return the body of a message that is good, and that nothing follows from."""
    kwargs: dict[str, Any] = {"task_id": str(uuid.uuid4())}
    if task == "roadmap.generate":
        kwargs |= {"user_id": "alice", "request": {"goal": "Learn Rust", "review": False}}
    return [[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


def envelope(body: Any = MISSING, *, task: Any = "roadmap.resume", **headers: Any) -> Any:
    """Return a message as Celery's clients make it (protocol 2)."""
    text = json.dumps(body_of(task) if body is MISSING else body)
    given = {
        "lang": "py",
        "task": task,
        "id": str(uuid.uuid4()),
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": None,
        "parent_id": None,
        "argsrepr": "()",
        "kwargsrepr": "{}",
        "origin": "gen1@elsewhere",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        **headers,
    }
    return wrapped(text.encode(), {n: v for n, v in given.items() if v is not MISSING})


def wrapped(body: bytes, headers: Any) -> dict[str, Any]:
    """Return an envelope around a body."""
    return {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": str(uuid.uuid4()),
            "reply_to": str(uuid.uuid4()),
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "roadmap"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }


def protocol_1(**body: Any) -> dict[str, Any]:
    """Return a message of Celery's first protocol."""
    given = {
        "task": "roadmap.resume",
        "id": str(uuid.uuid4()),
        "args": [],
        "kwargs": {"task_id": str(uuid.uuid4())},
        "group": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "utc": True,
        "callbacks": None,
        "errbacks": None,
        "timelimit": [None, None],
        "taskset": None,
        "chord": None,
        **body,
    }
    text = json.dumps({n: v for n, v in given.items() if v is not MISSING})
    return wrapped(text.encode(), {})


def cases() -> Iterator[Case]:
    """Yield all of them."""
    yield from raw_garbage()
    yield from _envelopes()
    yield from _headers()
    yield from _bodies()
    yield from _protocol_1()
    yield from _content_types()
    yield from _canvas()


def case(name: str, message: Any, *, refused: bool | None = True) -> Case:
    """Return a case of a message as it lies in the queue."""
    return Case(name, json.dumps(message).encode(), refused)


def raw_garbage() -> Iterator[Case]:
    """Yield what is no envelope at all."""
    for name, raw in {
        "nothing": b"",
        "a word": b"garbage",
        "not UTF-8": b"\xff\xfe\x00\x80" * 10,
        "UTF-16": '{"body": "x"}'.encode("utf-16"),
        "pickle": b"\x80\x04\x95\x0b\x00\x00\x00",
        "half an envelope": json.dumps(envelope()).encode()[:200],
        "deep": DEEP.encode(),
        "deep objects": b'{"a":' * 10_000,
        "huge": HUGE.encode(),
        "huge envelope": json.dumps({**envelope(), "more": HUGE}).encode(),
        "many digits": b"1" * 100_000,
    }.items():
        yield Case(f"raw: {name}", raw)
    for value in (None, True, 1, 1.5, "text", [], [1], {}, {"body": "x"}):
        yield case(f"raw: JSON {value!r}", value)


def paths() -> Iterator[tuple[str, ...]]:
    """Yield where the parts of an envelope are."""
    for name in ("body", "content-encoding", "content-type", "headers", "properties"):
        yield (name,)
    for name in ("body_encoding", "delivery_tag", "delivery_info", "priority"):
        yield ("properties", name)
    for name in ("exchange", "routing_key"):
        yield ("properties", "delivery_info", name)


_GOOD: Final = {
    ("properties", "priority"): {"missing", "null", "number"},
    ("properties", "body_encoding"): {"missing", "null"},  # then it is base64 that is no JSON
    ("properties", "delivery_tag"): {"text", "NUL", "surrogate", "escape"},
    ("properties", "delivery_info", "exchange"): {
        *("empty text", "text", "NUL", "surrogate", "escape", "long text")
    },
    ("properties", "delivery_info", "routing_key"): {
        *("empty text", "text", "NUL", "surrogate", "escape", "long text")
    },
}
"""Nothing follows from these: they are not looked at."""


def _envelopes() -> Iterator[Case]:
    for path in paths():
        for name, value in WRONG.items():
            good = name in _GOOD.get(path, set()) and path[-1] != "body_encoding"
            yield case(
                f"{'.'.join(path)}: {name}", changed(envelope(), path, value), refused=not good
            )


def changed(message: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return a message with one part changed, or without it."""
    message = copy.deepcopy(message)
    part = message
    for name in path[:-1]:
        part = part[name]
    if value is MISSING:
        part.pop(path[-1], None)
    else:
        part[path[-1]] = value
    return message


HEADERS: Final = (
    *("lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries"),
    *("timelimit", "root_id", "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result"),
    *("replaced_task_nesting", "stamped_headers", "stamps", "meth", "compression"),
    *("rung_at", "request_id", "traceparent", "starts_at", "expires_at"),
)


def _headers() -> Iterator[Case]:
    for header in HEADERS:
        for name, value in WRONG.items():
            optional = name in {"missing", "null"} and header not in {"task", "id"}
            yield case(
                f"header {header}: {name}",
                envelope(**{header: value}),
                refused=None if not optional else False,
            )
    for name, value in WRONG.items():
        yield case(f"header task: {name}", envelope(task=value))
        if name != "text":
            yield case(f"header id: {name}", envelope(id=value))
    for limit in ("x", ["x", None], [1], [1, 2, 3], [0, 0], [True, None], {"hard": 1}):
        yield case(f"header timelimit: {limit!r}", envelope(timelimit=limit))
    for header in ("eta", "expires"):
        for text in ("soon", "2026-13-01", "0001-01-01T00:00:00+14:00", "9" * 200, 12, 1e300):
            yield case(f"header {header}: {text!r}", envelope(**{header: text}))
    yield case("an unknown header", envelope(x={"y": [HUGE[:1000]]}), refused=False)


def _bodies() -> Iterator[Case]:
    tid = str(uuid.uuid4())
    embed: dict[str, Any] = {}
    bodies: list[Any] = [None, True, 1, "x", [], {}, [[]], [[], {"task_id": tid}], [[], {}, {}, {}]]
    bodies += [[{}, {"task_id": tid}, embed], [None, None, None], [[], [], []], ["", "", ""]]
    bodies += [[[], {}, embed], [[], {"user_id": "a"}, embed], [[tid, 1, 2, 3], {}, embed]]
    bodies += [[[], {"task_id": tid, "delivery": 1}, embed], [[], {"task_id": tid}, 1]]
    bodies += [[[], {"task_id": tid}, []], [[], {"task_id": tid}, "x"], {"args": [], "kwargs": {}}]
    for wrong in WRONG.values():
        if wrong is not MISSING:
            bodies.append([[], {"task_id": wrong}, embed])
    for body in bodies:
        yield case(f"body {json.dumps(body)[:60]}", envelope(body))
    good = {"task_id": tid}
    for extra in ({"x": 1}, {"": 1}, {"task": 1}, {"self": 1}, {"args": 1}, {"\x00": 1}):
        yield case(f"extra {extra!r}", envelope([[], good | extra, embed]), refused=False)
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    yield case("a deep argument", envelope([[], good | {"x": deep}, embed]))
    yield case("a huge argument", envelope([[], good | {"x": HUGE}, embed]))
    for name, raw in {
        "not base64": "!!!",
        "no JSON": base64.b64encode(b"{").decode(),
        "not UTF-8": base64.b64encode(b"\xff\xfe").decode(),
        "deep": base64.b64encode(DEEP.encode()).decode(),
        "NaN": base64.b64encode(b"NaN").decode(),
    }.items():
        yield case(f"body bytes: {name}", {**envelope(), "body": raw})
    for kind in ("uuid", "datetime", "decimal", "bytes", "date", "x", "", 1, None):
        marked = {"__type__": kind, "__value__": "!"}
        yield case(f"marked {kind!r}", envelope([[], good | {"x": marked}, embed]), refused=None)


def _protocol_1() -> Iterator[Case]:
    yield case("protocol 1", protocol_1(), refused=False)
    for field in ("task", "id", "args", "kwargs"):
        for name, value in WRONG.items():
            fine = (field == "id" and name == "text") or (
                (name == "missing" and field == "args") or (field == "args" and name == "list")
            )
            yield case(
                f"protocol 1, {field}: {name}", protocol_1(**{field: value}), refused=not fine
            )
    for field in ("retries", "eta", "expires", "timelimit", "utc", "taskset", "group", "chord"):
        for name, value in WRONG.items():
            yield case(f"protocol 1, {field}: {name}", protocol_1(**{field: value}), refused=None)


def _content_types() -> Iterator[Case]:
    for name in ("x-python-serialize", "x-yaml", "x-msgpack", "octet-stream", "data"):
        yield case(f"application/{name}", {**envelope(), "content-type": f"application/{name}"})
    for name in ("ascii", "zlib_codec", "unknown", "utf-16", "rot13", "binary"):
        yield case(f"encoding {name}", {**envelope(), "content-encoding": name})
    text = json.dumps(body_of()).encode()
    packers: dict[str, Callable[[bytes], bytes]] = {
        "zlib": zlib.compress,
        "gzip": zlib.compress,
        "bzip2": bz2.compress,
    }
    for method, pack in packers.items():
        headers = {**envelope()["headers"], "compression": method}
        yield case(f"compressed by {method}", wrapped(pack(text), headers), refused=False)
        yield case(f"not compressed by {method}", wrapped(text, headers))
        bomb = pack(b"[" + b" " * 50_000_000)
        yield case(f"a bomb by {method}", wrapped(bomb, headers))
    unknown: tuple[Any, ...] = ("lzma", "zstd", "brotli", "x", 1, [])
    for way in unknown:
        headers = {**envelope()["headers"], "compression": way}
        yield case(f"compressed by {way!r}", wrapped(text, headers))


def _canvas() -> Iterator[Case]:
    call = {"task": "maintenance.purge", "args": [], "kwargs": {}, "options": {}}
    for name in ("callbacks", "errbacks", "chain", "chord"):
        for value in (call, [call], [{"task": "celery.backend_cleanup"}], "x", 1):
            body = [[], {"task_id": str(uuid.uuid4())}, {name: value}]
            yield case(f"{name}: {value!r}", envelope(body))
    for task in ("celery.backend_cleanup", "celery.chord_unlock", "celery.group", "celery.chain"):
        yield case(f"task {task}", envelope([[], {}, {}], task=task))
    for task in ("roadmap.nothing", "workflow.unknown", "os.system", "ROADMAP.RESUME"):
        yield case(f"task {task}", envelope(task=task))
