"""A task's progress as lines: for files and pipes, and as JSON lines for programs."""

from __future__ import annotations

from typing import Any, Protocol

from cli.console import emit, emit_json, note
from cli.moments import clock
from core.visible import one_line


class View(Protocol):
    """Shows progress while it happens."""

    def start(self) -> None:
        """Begin, or go on after a pause."""

    def stop(self) -> None:
        """End."""

    def pause(self) -> None:
        """Make room for a question."""

    def event(self, event: dict[str, Any]) -> None:
        """Show the next event."""

    def trouble(self, text: str | None) -> None:
        """Show that the API is away, or back when None."""


class PlainView:
    """One line per event on stdout."""

    def start(self) -> None:
        """Nothing to prepare."""

    def stop(self) -> None:
        """Nothing to end."""

    def pause(self) -> None:
        """Nothing to make room."""

    def event(self, event: dict[str, Any]) -> None:
        """Write the event's time, percentage and message."""
        percent = (event.get("progress") or {}).get("percent", 0.0)
        emit(f"{clock(event['at'])} {percent:5.1f}%  {one_line(event['message'])}")

    def trouble(self, text: str | None) -> None:
        """Say it on stderr."""
        note("The API answers again" if text is None else f"The API does not answer: {text}")


class JsonView(PlainView):
    """One JSON document per event on stdout, as it came."""

    def event(self, event: dict[str, Any]) -> None:
        """Write the event."""
        emit_json(event)
