"""Lets a test's functions answer the model calls of workers in other processes.

The language model is the world outside: it outlives a worker that is killed, and so do the lists
and counters of a test's function.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from base64 import b85decode, b85encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import BaseModel

from workflow.testing.author import Answers, Asked, fitting, said
from workflow.testing.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflow.testing.places import Reporter

_LONGEST_LINE: Final = 64 * 1024 * 1024
_ORPHANED: Final = 72


@dataclass(slots=True)
class RemoteAnswers:
    """A worker's side: hands calls over for which a function of the test has to be called."""

    _answers: Answers
    _reporter: Reporter
    _numbers: Iterator[int] = field(default_factory=count)
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _reading: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, answers: Answers, reporter: Reporter, replies: int) -> Answers:
        """Return the answers as a worker uses them."""
        remote = cls(answers, reporter)
        reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(replies, "rb", buffering=0)
        )
        remote._reading = asyncio.create_task(remote._read(reader))
        return remote

    async def __call__(self, model: type[BaseModel], prompt: Any, **context: Any) -> Any:
        """Return the answer to a call."""
        asked = Asked(model=model, prompt=prompt, **context)
        answers = self._answers
        if isinstance(answers, Mapping):
            answers = answers.get(model)
            if not callable(answers) or isinstance(answers, type):
                return await said(self._answers, asked)
        if answers is None:
            return None
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._reporter.tell(ask=number, model=_name(model), prompt=prompt, context=asked.context())
        return _received(await future, model)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            reply = orjson.loads(line)
            self._waiting.pop(reply["to"]).set_result(reply)
        os._exit(_ORPHANED)  # whoever started us is gone


async def reply_to(line: dict[str, Any], descriptor: int, answers: Answers) -> None:
    """Call the test's function for a worker, and send what it gave."""
    try:
        model = _found(line["model"], BaseModel)
        asked = Asked(model=model, prompt=line["prompt"], **line["context"])
        value = fitting(model, await said(answers, asked), asked)
        reply = {"value": None if value is None else value.model_dump_json(round_trip=True)}
    except Exception as error:  # noqa: BLE001 - raised where the workflow asks
        reply = {"error": _packed(error)}
    data = orjson.dumps({"to": line["ask"], **reply}) + b"\n"
    with suppress(BrokenPipeError, OSError):  # the worker was killed meanwhile
        await asyncio.to_thread(_send, descriptor, data)


def _send(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _received(reply: dict[str, Any], model: type[BaseModel]) -> Any:
    if "error" in reply:
        raise _unpacked(reply["error"])
    return None if reply["value"] is None else model.model_validate_json(reply["value"])


def _packed(error: Exception) -> dict[str, Any]:
    try:
        inside = b85encode(pickle.dumps((error.args, error.__dict__))).decode()
    except Exception:  # noqa: BLE001 - what cannot be packed is told in words
        inside = None
    return {"type": _name(type(error)), "text": str(error), "inside": inside}


def _unpacked(packed: dict[str, Any]) -> BaseException:
    try:
        kind = _found(packed["type"], BaseException)
        error: BaseException = kind.__new__(kind)
        error.args, state = pickle.loads(b85decode(packed["inside"]))  # noqa: S301 - our own parent wrote it
        error.__dict__.update(state)
    except Exception:  # noqa: BLE001 - ditto
        return RuntimeError(f"{packed['type'][1]}: {packed['text']}")
    return error


def _name(kind: type) -> list[str]:
    return [kind.__module__, kind.__qualname__]


def _found(name: list[str], base: type) -> Any:
    """Return a class by its name, also one that a function has made."""
    for kind in _below(base):
        if _name(kind) == name:
            return kind
    raise ScriptError(f"There is no {name[1]} in {name[0]} here any more.")


def _below(base: type) -> Iterator[type]:
    below: list[type] = type.__subclasses__(base)
    # those made last first: a function may have made several of a name
    for kind in reversed(below):
        yield from _below(kind)
        yield kind
