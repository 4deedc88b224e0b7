"""From a task's events to what is shown of it. Pure: no terminal, no clock, no network."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EVIDENCE: Final = 5
"""Contents that must have ended before a rate is told."""
EVIDENCE_S: Final = 1.0
"""And the time over which they did: contents are committed in groups."""


class State(Enum):
    """How a line is marked."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"


@dataclass(slots=True)
class StepLine:
    """One step, once for each time it ran."""

    step: str
    round: int
    state: State
    started_at: datetime
    duration_s: float | None = None
    detail: str = ""
    called: str = ""
    """What its workflow calls it."""

    @property
    def title(self) -> str:
        """Its name for people."""
        title = self.called or self.step.replace("_", " ").capitalize()
        return f"{title} ({self.round})" if self.round > 1 else title


@dataclass(frozen=True, slots=True)
class Failure:
    """A part that could not be made."""

    title: str
    kind: str
    code: str
    error: str


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The range that the API tells: half, and nine tenths, of such tasks were done by then."""

    low_s: float
    high_s: float


@dataclass(slots=True)
class ProgressModel:
    """What is known of a task from the events so far; `apply` folds in the next one."""

    task_id: str
    goal: str = ""
    status: str = "pending"
    current_step: str = "queued"
    percent: float = 0.0
    done: int = 0
    total: int = 0
    latest: str = ""
    attempt: int = 1
    steps: list[StepLine] = field(default_factory=list)
    failures: dict[tuple[str, ...], Failure] = field(default_factory=dict)
    review: dict[str, Any] | None = None
    roadmap_id: str | None = None
    outcome: str | None = None
    error: dict[str, Any] | None = None
    last_at: datetime | None = None
    left: TimeLeft | None = None
    """What the API said last of the time left; None while no worker works on it."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What its workflow calls its steps."""
    noun: str = "content"
    """What one of its parts is called."""
    waits_for: str = ""
    """What the API said last of what it waits for; nothing while a worker works on it."""
    _ends: deque[datetime] = field(default_factory=lambda: deque(maxlen=4096))

    def take(self, task: dict[str, Any]) -> None:
        """Take from the task's resource what no event tells."""
        left, line = task.get("time_left_s"), task.get("line")
        self.left = TimeLeft(left["p50"], left["p90"]) if left else None
        self.waits_for = str(line["message"]) if line else ""

    def apply(self, event: dict[str, Any]) -> None:
        """Fold in the next event."""
        at = datetime.fromisoformat(event["at"])
        data = event.get("data") or {}
        self.last_at = at
        self.status = event["status"]
        self.current_step = event["current_step"]
        self.latest = event["message"]
        progress = event.get("progress") or {}
        self.done = progress.get("done", self.done)
        self.total = progress.get("total", self.total)
        self.percent = progress.get("percent", self.percent)
        if event["type"] in _OUTCOMES:
            self._end(event["type"], data, at)
        elif fold := self._folds().get(event["type"]):
            fold(data, at)

    @property
    def failed(self) -> int:
        """Contents that failed in this attempt."""
        return len(self.failures)

    @property
    def running(self) -> StepLine | None:
        """The step that is running or waiting."""
        live = (State.RUNNING, State.WAITING)
        return next((line for line in reversed(self.steps) if line.state in live), None)

    def rate_per_min(self) -> float | None:
        """Return contents a minute in this run, once there is evidence."""
        if not self._evidence():
            return None
        span_s = (self._ends[-1] - self._ends[0]).total_seconds()
        return 60 * (len(self._ends) - 1) / span_s

    def _evidence(self) -> bool:
        """Tell whether enough ended, over enough time, to speak of a rate."""
        if len(self._ends) < EVIDENCE:
            return False
        return (self._ends[-1] - self._ends[0]).total_seconds() >= EVIDENCE_S

    def _folds(self) -> dict[str, Callable[[dict[str, Any], datetime], None]]:
        return {
            "step_started": self._step_started,
            "step_completed": self._step_completed,
            "step_retrying": self._step_retrying,
            "roadmap_ready": self._roadmap_ready,
            "review_required": self._review_required,
            "review_decided": self._review_decided,
            "content_completed": self._content_completed,
            "content_failed": self._content_failed,
            "task_retried": self._task_retried,
        }

    def _step_started(self, data: dict[str, Any], at: datetime) -> None:
        self._settle(at, again=data["step"])
        self.review = None
        self.waits_for = ""  # a worker has it now; the API is asked again only every few seconds
        self._ends.clear()
        self.steps.append(self._new_line(data["step"], data, State.RUNNING, at))

    def _step_completed(self, data: dict[str, Any], at: datetime) -> None:
        line = self._line(data["step"])
        if line is None:
            line = self._new_line(data["step"], data, State.DONE, at)
            self.steps.append(line)
        line.state = State.DONE
        line.duration_s = data.get("duration_s")
        issues = data.get("issues") or []
        line.detail = f"{len(issues)} to mend" if issues else ""

    def _step_retrying(self, data: dict[str, Any], _at: datetime) -> None:
        line = self._line(data["step"])
        if line is not None:
            line.detail = f"trying again ({data.get('code', '')})"

    def _roadmap_ready(self, data: dict[str, Any], _at: datetime) -> None:
        self.roadmap_id = data.get("roadmap_id")

    def _review_required(self, data: dict[str, Any], at: datetime) -> None:
        self._settle(at)
        self.review = data
        self.roadmap_id = data.get("roadmap_id", self.roadmap_id)
        self.steps.append(self._new_line("human_review", data, State.WAITING, at))

    def _review_decided(self, data: dict[str, Any], at: datetime) -> None:
        self.review = None
        line = self._line("human_review")
        if line is not None:
            line.state = State.DONE
            line.duration_s = (at - line.started_at).total_seconds()
            by = f"by {data.get('decided_by', '')}"
            if data.get("overdue"):
                by = "as nobody decided in time"
            line.detail = f"{data.get('decision', '')} {by}"

    def _content_completed(self, data: dict[str, Any], at: datetime) -> None:
        self._ends.append(at)
        self.failures.pop(_part(data), None)

    def _content_failed(self, data: dict[str, Any], at: datetime) -> None:
        self._ends.append(at)
        title = data.get("title") or data.get("concept_title") or _part(data)[1]
        failure = Failure(title, data["kind"], data.get("code", ""), data.get("error", ""))
        self.failures[_part(data)] = failure

    def _task_retried(self, data: dict[str, Any], _at: datetime) -> None:
        self.attempt = data.get("attempt", self.attempt + 1)
        self.failures.clear()
        self.outcome = None
        self.error = None

    def _end(self, kind: str, data: dict[str, Any], at: datetime) -> None:
        self.outcome = kind
        self.review = None
        line = self.running
        if line is not None:
            line.state = State.DONE if kind in _GOOD else State.FAILED
            line.duration_s = (at - line.started_at).total_seconds()
        if kind == "task_failed":
            self.error = data

    def _settle(self, at: datetime, *, again: str | None = None) -> None:
        """Close a step that never told its end: it was decided about, or begins again elsewhere.

        Args:
            at: When that was noticed.
            again: The step that begins now.
        """
        line = self.running
        if line is None:
            return
        lost = line.state is State.RUNNING and line.step == again
        line.state = State.LOST if lost else State.DONE
        line.detail = "worker lost or stopped" if lost else line.detail
        line.duration_s = (at - line.started_at).total_seconds()

    def _new_line(self, step: str, data: dict[str, Any], state: State, at: datetime) -> StepLine:
        called = self.titles.get(step, "Review" if step == "human_review" else "")
        return StepLine(step, data.get("round", 1), state, at, called=called)

    def _line(self, step: str) -> StepLine | None:
        return next((line for line in reversed(self.steps) if line.step == step), None)


def _part(data: dict[str, Any]) -> tuple[str, ...]:
    """Return what names a part; events of earlier versions name its concept."""
    key = data.get("key") or data.get("concept_id") or ""
    return str(data.get("step") or ""), str(key), str(data["kind"])


_GOOD: Final = frozenset({"task_completed", "task_partially_failed"})
_OUTCOMES: Final = _GOOD | {"task_failed", "task_cancelled"}
