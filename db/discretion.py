"""Keeps stored values out of the errors of statements that fail.

A driver's error quotes the values at which it failed: a user's goal, a model's answer. From there
they would get into logs, events and answers. What failed is told by the error's kind, the
constraint and the statement, which hold no values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_DETAIL: Final = re.compile(
    r"\s*^(?:DETAIL|CONTEXT|WHERE|QUERY):.*?(?=^HINT:|\Z)", re.MULTILINE | re.DOTALL
)
_ARGUMENT: Final = re.compile(r"(query argument \$\d+)\b.*", re.DOTALL)
_QUOTED: Final = re.compile(r"[\"'].*", re.DOTALL)
_DATA_ERRORS: Final = "22"
"""Class of SQLSTATE whose messages quote values; others quote the names of our own objects."""
_TELLING: Final = frozenset({"detail", "internal_query", "context", "query"})
_MOST: Final = 10
"""Errors in a chain; ours have three."""


def keep_values_out(engine: AsyncEngine) -> None:
    """Let the engine's errors tell no values, wherever they are caught."""
    event.listen(engine.sync_engine, "handle_error", _clean)


def _clean(context: Any) -> None:
    clean(context.sqlalchemy_exception, context.original_exception)


def clean(known: BaseException | None, driver: BaseException) -> None:
    """Take the values out of a driver's error, and of SQLAlchemy's that stands for it."""
    state = str(getattr(driver, "sqlstate", None) or "")
    chain: list[Any] = [known, driver]
    for _ in range(_MOST):
        if (cause := chain[-1].__cause__ or chain[-1].__context__) is None:
            break
        chain.append(cause)
    for error in filter(None, chain):
        if isinstance(error, UnicodeEncodeError):
            error.args, error.object = error.args[:1], ""
        elif error.args:
            error.args = (without_values(str(error.args[0]), state=state), *error.args[1:])
        if error is not known:  # the driver's own error
            vars(error).update(dict.fromkeys(_TELLING & vars(error).keys()))


def without_values(message: str, *, state: str) -> str:
    """Return a driver's message without what it quotes of values."""
    if state.startswith(_DATA_ERRORS):  # a value may hold quotes, lines and anything else
        message = _QUOTED.sub('"…"', message)
    return _ARGUMENT.sub(r"\1", _DETAIL.sub("\n", message).strip())
