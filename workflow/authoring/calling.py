"""Calls an author's function, whether it is a coroutine or not."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from workflow.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


async def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function; one that is no coroutine runs in a thread, so that the loop goes on."""
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    value = await in_thread(function, **arguments)
    return await value if inspect.isawaitable(value) else value
