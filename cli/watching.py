"""Watching a task to its end, answering its reviews on the way."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from cli.asking import forget_typed
from cli.console import emit, note
from cli.costs import cost_line
from cli.exits import CommandError, ExitCode
from cli.hints import command
from cli.live import LiveView
from cli.moments import counted, duration
from cli.outline_view import outline_tree, tree_console
from cli.plain import JsonView, PlainView, View
from cli.progress_model import ProgressModel
from cli.reviewing import Answered, Approve, Ask, Leave, Reviewer, answer_open_review
from cli.showing import again
from cli.titles import title_of
from core.visible import one_line

if TYPE_CHECKING:
    from cli.client import Client

EXIT_OF_STATUS: Final = {
    "completed": ExitCode.DONE,
    "partial_failure": ExitCode.PARTIAL,
    "failed": ExitCode.FAILED,
    "cancelled": ExitCode.FAILED,
    "human_review_pending": ExitCode.REVIEW,
}
_FAILURES_SHOWN: Final = 10
_ASK_S: Final = 3.0
"""Between two questions for what no event tells: the time left, and what the task waits for."""


class Watch:
    """One task, shown and answered until it ends or nobody answers.

    Args:
        client: The API.
        task: The task as the API gave it.
        json: Events as JSON lines instead of anything for people.
        approve: Approve every review.
        after: Events up to this one are known: they are not shown again.
        showcase: Show everything: the outline before it is approved, the tree at the end.
        ends: The stack ends with us, so the task does not go on without us.
    """

    def __init__(
        self,
        client: Client,
        task: dict[str, Any],
        *,
        json: bool,
        approve: bool,
        after: int = 0,
        showcase: bool = False,
        ends: bool = False,
    ) -> None:
        """Choose how to show and how to answer."""
        self._client = client
        self._json = json
        self._after = after
        self._showcase = showcase
        self._ends = ends
        self.console = tree_console()
        self.model = model_of(client, task)
        self._own = is_own(task)
        self._live = not json and self.console.is_terminal
        self._view = self._choose_view()
        self._reviewer = self._choose_reviewer(approve=approve, show=showcase)
        self._asked_at = float("-inf")
        self._told = ""
        self.model.take(task)

    def run(self) -> ExitCode:
        """Watch, and return how it ended. Ctrl-C leaves the task alone."""
        task_id = self.model.task_id
        try:
            goes_on = self._follow()
        except KeyboardInterrupt:
            if not self._ends:
                note(f"\nThe task goes on. Come back with: {command('watch', task_id)}")
            return ExitCode.INTERRUPTED
        if not goes_on:
            note(f"Waiting for a review: {command('review', task_id)}")
            return ExitCode.REVIEW
        if not self._json:
            self._show_end()
        return EXIT_OF_STATUS.get(self.model.status, ExitCode.FAILED)

    def _follow(self) -> bool:
        events = self._client.follow(
            self.model.task_id, silence_s=_ASK_S, on_trouble=self._view.trouble
        )
        self._view.start()
        try:
            for event in events:
                if event is not None:
                    self.model.apply(event)
                self._ask(silent=event is None)
                if event is None or event["seq"] <= self._after:
                    continue
                self._view.event(event)
                if event["type"] == "review_required" and not self._answer(event):
                    return False
        finally:
            self._view.stop()
            events.close()
        return True

    def _ask(self, *, silent: bool) -> None:
        """Ask the API now and then for what no event tells, where somebody looks or wonders."""
        wanted = self._live or (silent and not self._json)
        if not wanted or time.monotonic() < self._asked_at + _ASK_S:
            return
        self._asked_at = time.monotonic()
        with suppress(CommandError):  # shown without what it would have told
            self.model.take(self._client.task(self.model.task_id))
            if not self._live and self.model.waits_for not in {"", self._told}:
                self._told = self.model.waits_for
                note(f"It waits. {self._told}")

    def _answer(self, event: dict[str, Any]) -> bool:
        """Answer a review, if it is one that waits: what is read may be long past.

        The picture makes room while people are asked, and only then.
        """
        answered = answer_open_review(
            self._client,
            self.model.task_id,
            self._reviewer,
            review_id=(event.get("data") or {}).get("review_id"),
            before=self._make_room,
        )
        if answered is Answered.BY_US:
            self._view.start()
        return answered is not Answered.NOT_NOW

    def _make_room(self) -> None:
        """Leave the picture standing; a key that was pressed while it moved answers nothing."""
        self._view.pause()
        if self._reviewer.asks:
            forget_typed()

    def _choose_view(self) -> View:
        if self._json:
            return JsonView()
        return LiveView(self.console, self.model) if self._live else PlainView()

    def _choose_reviewer(self, *, approve: bool, show: bool) -> Reviewer:
        if approve:
            return Approve(self.console if show and not self._json else None)
        return Ask(self.console) if self._live and sys.stdin.isatty() else Leave()

    def _show_end(self) -> None:
        model = self.model
        if (self._live or self._showcase) and model.roadmap_id is not None:
            try:
                roadmap = self._client.roadmap(model.roadmap_id)
            except CommandError as error:
                note(error.message)
            else:
                self.console.print()
                self.console.print(outline_tree(roadmap, marks=True))
        for line in ending(model):
            emit(one_line(line))
        self._show_totals()
        if self._showcase:
            return
        if model.outcome != "task_completed":
            emit(again(model.task_id, code=(model.error or {}).get("code")))
        if model.roadmap_id is not None or self._own:
            emit(f"Read it: {command('show', model.task_id)}")

    def _show_totals(self) -> None:
        try:
            task = self._client.task(self.model.task_id)
        except CommandError as error:
            note(error.message)
            return
        if (took_s := task.get("took_s")) is not None:
            emit(f"It took {duration(took_s)} in all.")
        if task["usage"]["calls"]:
            emit(f"It used {cost_line(task['usage'])}.")


def is_own(task: dict[str, Any]) -> bool:
    """Tell whether a task is one of somebody's own workflow, and makes no roadmap."""
    return str(task.get("workflow", "roadmap")) != "roadmap"


def model_of(client: Client, task: dict[str, Any]) -> ProgressModel:
    """Return the model of a task, with what its workflow calls its steps.

    An older API, or one that does not know the workflow, leaves the steps their plain names.
    """
    titles: dict[str, str] = {}
    with suppress(CommandError):
        for each in client.workflows()["workflows"]:
            if each["name"] == task.get("workflow", "roadmap"):
                titles = {step["name"]: step["title"] for step in each["steps"]}
    noun = "part" if is_own(task) else "content"
    return ProgressModel(task["task_id"], goal=title_of(task), titles=titles, noun=noun)


def ending(model: ProgressModel) -> list[str]:
    """Return what there is to say about a task's end, what failed and why included."""
    lines = []
    match model.outcome:
        case "task_completed":
            made = f": {counted(model.done, model.noun)}" if model.total else ""
            lines.append(f"Completed{made}.")
        case "task_partially_failed":
            of_all = counted(model.total, model.noun)
            verb = "is" if model.done == 1 else "are"
            lines.append(f"{model.done} of {of_all} {verb} ready; these are not:")
        case "task_failed":
            error = model.error or {}
            step = str(error.get("step", "")).replace("_", " ")
            lines.append(f"Failed at {step} ({error.get('code')}): {error.get('error')}")
        case "task_cancelled":
            lines.append("Cancelled.")
        case _:
            lines.append(f"The task is {model.status}.")
    failures = list(model.failures.values())
    lines += [
        f"  {failure.title}: {failure.kind} ({failure.code}) {failure.error}"
        for failure in failures[:_FAILURES_SHOWN]
    ]
    if len(failures) > _FAILURES_SHOWN:
        lines.append(f"  and {len(failures) - _FAILURES_SHOWN} more")
    return lines
