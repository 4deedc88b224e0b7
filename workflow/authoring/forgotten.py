"""Finds coroutines that nobody awaited in what a function gave."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator


def forgotten_await(value: Any) -> str | None:
    """Close the coroutines in a value, and return the name of the first; None if there is none."""
    first: str | None = None
    waiting, met = [value], {id(value)}
    while waiting:
        each = waiting.pop()
        if inspect.iscoroutine(each):
            each.close()
            first = first or each.__qualname__
            continue
        for inner in reversed([inner for inner in _inside(each) if id(inner) not in met]):
            met.add(id(inner))
            waiting.append(inner)
    return first


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    elif isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
        yield from getattr(value, "__dict__", {}).values()
        for name in getattr(type(value), "__slots__", ()):
            yield getattr(value, name, None)
