"""SQL statements as spans of whatever asked for them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

from core import telemetry

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

LONGEST_TEXT: Final = 500


def trace_statements(engine: AsyncEngine) -> None:
    """Record each statement, its text without its parameters, within the span that is current.

    What belongs to no trace, such as heartbeats, is left out.
    """
    sync: Any = engine.sync_engine

    @event.listens_for(sync, "before_cursor_execute")
    def _begin(*arguments: Any) -> None:
        _connection, _cursor, statement, _parameters, context, _many = arguments
        if telemetry.position() is None or context is None:
            return
        context.roadmap_span = ExitStack()
        context.roadmap_span.enter_context(
            telemetry.span(
                f"sql {statement.split(None, 1)[0].upper()}" if statement.strip() else "sql",
                kind="client",
                attributes={
                    "db.system.name": "postgresql",
                    "db.query.text": statement[:LONGEST_TEXT],
                },
            )
        )

    @event.listens_for(sync, "after_cursor_execute")
    def _end(*arguments: Any) -> None:
        context = arguments[4]
        opened: ExitStack | None = getattr(context, "roadmap_span", None)
        if opened is not None:
            del context.roadmap_span
            opened.close()

    @event.listens_for(sync, "handle_error")
    def _fail(failure: Any) -> None:
        context = failure.execution_context
        opened: ExitStack | None = getattr(context, "roadmap_span", None)
        if opened is not None:
            del context.roadmap_span
            error = failure.original_exception
            opened.__exit__(type(error), error, error.__traceback__)
