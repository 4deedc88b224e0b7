"""`roadmap show ID --timeline`: where a task's time went, from its events alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cli.moments import local, offset

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.client import Client

GAP_S: Final = 1.0
"""Shorter pauses between two steps are not worth a line."""
_ENDS: Final = {
    "task_completed": "completed",
    "task_partially_failed": "partly failed",
    "task_failed": "failed",
    "task_cancelled": "cancelled",
}


@dataclass(slots=True, kw_only=True)
class Span:
    """A stretch of a task's time.

    Attributes:
        what: A step's name, `review`, or what was waited for.
        kind: `step`, `wait` or `review`.
        attempt: Which attempt of the task, from 1.
        round: Which time the step ran in this task, from 1; None for waits.
        worker: Who worked.
        began: When, as the events tell it.
        seconds: How long; None while it lasts.
        outcome: How it ended: `done`, `interrupted`, a decision, the task's end.
        retries: Model calls that were tried again.
        contents: Contents completed; `failed` those that failed.
    """

    what: str
    kind: str
    attempt: int
    began: str
    round: int | None = None
    worker: str | None = None
    seconds: float | None = None
    outcome: str | None = None
    retries: int = 0
    contents: int = 0
    failed: int = 0


class Timeline:
    """Reads a task's events in order."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._attempt = 1
        self._last = ""

    def read(self, events: Iterable[dict[str, Any]]) -> None:
        """Take more events."""
        for event in events:
            handle = getattr(self, f"_on_{event['type']}", None)
            if event["type"] in _ENDS:
                self._close(event, _ENDS[event["type"]])
            elif handle is not None:
                handle(event)
            self._last = event["at"]

    def _on_task_queued(self, event: dict[str, Any]) -> None:
        self._open(event, "a worker", kind="wait")

    def _on_task_recovered(self, event: dict[str, Any]) -> None:
        self._close(event, "worker lost, or database away")

    def _on_task_retried(self, event: dict[str, Any]) -> None:
        self._attempt += 1
        self._open(event, "a worker", kind="wait")

    def _on_step_started(self, event: dict[str, Any]) -> None:
        data = event["data"]
        if self._current is None and self._last and _between(self._last, event["at"]) > GAP_S:
            gap = Span(what="a worker", kind="wait", attempt=self._attempt, began=self._last)
            self.spans.append(gap)
        waited = self._current is not None and self._current.kind == "wait"
        self._close(event, "done" if waited else "interrupted")
        span = self._open(event, data["step"], kind="step")
        span.round, span.worker = data["round"], data.get("worker")

    def _on_step_completed(self, event: dict[str, Any]) -> None:
        self._close(event, "done")

    def _on_step_retrying(self, _event: dict[str, Any]) -> None:
        if self._current is not None:
            self._current.retries += 1

    def _on_content_completed(self, _event: dict[str, Any]) -> None:
        if self._current is not None:
            self._current.contents += 1

    def _on_content_failed(self, _event: dict[str, Any]) -> None:
        if self._current is not None:
            self._current.failed += 1

    def _on_review_required(self, event: dict[str, Any]) -> None:
        self._close(event, "done")
        self._open(event, "review", kind="review")

    def _on_review_decided(self, event: dict[str, Any]) -> None:
        self._close(event, str(event["data"].get("decision", "decided")))
        self._open(event, "a worker", kind="wait")

    @property
    def _current(self) -> Span | None:
        open_one = self.spans[-1] if self.spans else None
        return open_one if open_one is not None and open_one.seconds is None else None

    def _open(self, event: dict[str, Any], what: str, *, kind: str) -> Span:
        span = Span(what=what, kind=kind, attempt=self._attempt, began=event["at"])
        self.spans.append(span)
        return span

    def _close(self, event: dict[str, Any], outcome: str) -> None:
        if self._current is not None:
            self._current.outcome = outcome
            self._current.seconds = round(_between(self._current.began, event["at"]), 3)


def show_timeline(client: Client, task_id: str, *, quiet: bool = False) -> list[dict[str, Any]]:
    """Print a task's timeline unless quiet; return it."""
    timeline, after = Timeline(), 0
    while True:
        page = client.events(task_id, after=after)
        if not page["events"]:
            break
        timeline.read(page["events"])
        after = page["next_after"]
    if not quiet:
        _print(timeline.spans)
    return [asdict(span) for span in timeline.spans]


def _between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _print(spans: list[Span]) -> None:
    from cli.outline_view import tree_console
    from cli.tables import Column, print_table

    right = {"took", "attempt"}
    names = ("began", "took", "what", "attempt", "worker", "how it went")
    columns = [Column(name=name, right=name in right) for name in names]
    rows: list[tuple[str, ...]] = []
    styles: list[str] = []
    day = ""
    for span in spans:
        began = local(span.began)
        before, day = day, f"{began:%Y-%m-%d} {offset(began)}"
        if day != before:
            rows.append((day, "", "", "", "", ""))
            styles.append("bold")
        rows.append(
            (
                f"{began:%H:%M:%S}.{began.microsecond // 1000:03d}",
                "…" if span.seconds is None else f"{span.seconds:.1f} s",
                f"waiting for {span.what}" if span.kind == "wait" else _named(span),
                str(span.attempt),
                span.worker or "",
                _told(span),
            )
        )
        styles.append("dim" if span.kind == "wait" else "")
    print_table(tree_console(), columns, rows, styles=styles)


def _named(span: Span) -> str:
    return span.what + (f" (round {span.round})" if (span.round or 1) > 1 else "")


def _told(span: Span) -> str:
    told = [span.outcome or "under way"]
    for count, noun in (
        (span.contents, "written"),
        (span.failed, "failed"),
        (span.retries, "calls tried again"),
    ):
        if count:
            told.append(f"{count} {noun}")
    return ", ".join(told)
