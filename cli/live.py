"""A task's progress on a terminal, drawn anew several times a second."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.console import shown, speaks_unicode
from cli.hints import complete
from cli.ids import short_forms
from cli.moments import HOUR_S, MINUTE_S, counted, duration
from cli.progress_model import ProgressModel, State, StepLine, TimeLeft

if TYPE_CHECKING:
    from rich.console import RenderableType

_FPS: Final = 8
_SUSPEND: Final = getattr(signal, "SIGTSTP", None)
"""Ctrl-Z, where there is such a thing."""
_BAR_WIDTH: Final = 32
_FACTS_WIDTH: Final = 46
"""What stands beside the bar, at its longest."""
_MARGIN: Final = 2
_PATIENT_S: Final = 5.0
"""So long nothing may happen before it is told how to look for a worker."""


class LiveView:
    """Draws a `ProgressModel` while it changes.

    Args:
        console: Where to draw.
        model: What to draw; somebody else feeds it.
    """

    def __init__(self, console: Console, model: ProgressModel) -> None:
        """Nothing is drawn before `start`."""
        self._console = console
        self._model = model
        self._heard_at = time.monotonic()
        self._trouble: str | None = None
        self._plain = not speaks_unicode()
        self._spinner = Spinner("line" if self._plain else "dots", style="cyan")
        self._live: Live | None = None
        self._on_suspend: Any = None

    def start(self) -> None:
        """Begin to draw below what is on the terminal."""
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=_FPS,
            transient=False,
        )
        self._live.start(refresh=True)
        if _SUSPEND is not None and threading.current_thread() is threading.main_thread():
            self._on_suspend = signal.signal(_SUSPEND, self._put_aside)

    def stop(self) -> None:
        """Leave the last picture standing."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if self._on_suspend is not None and _SUSPEND is not None:
            signal.signal(_SUSPEND, self._on_suspend)
            self._on_suspend = None

    def _put_aside(self, number: int, _frame: object) -> None:
        """Leave the terminal as it was found for as long as the command is put aside by Ctrl-Z."""
        self.stop()
        os.kill(os.getpid(), number)
        self.start()

    def pause(self) -> None:
        """Leave the picture standing, to ask something below it; `start` draws the next one."""
        self.stop()

    def event(self, _event: dict[str, Any]) -> None:
        """Note that something was heard; the picture follows by itself."""
        self._heard_at = time.monotonic()

    def trouble(self, text: str | None) -> None:
        """Show what is wrong with the connection, or that nothing is."""
        self._trouble = text

    def _draw(self) -> RenderableType:
        model = self._model
        idle_s = time.monotonic() - self._heard_at
        head = shown(model.goal or "…", "bold", overflow="ellipsis", no_wrap=True)
        lines: list[RenderableType] = [head, self._id()]
        lines.append(self._steps(idle_s))
        if model.total:
            lines.append(self._contents())
        if model.latest and model.outcome is None:
            lines.append(shown(model.latest, "italic", overflow="ellipsis", no_wrap=True))
        if model.waits_for and model.outcome is None and model.review is None:
            lines.append(shown(f"It waits. {model.waits_for}", "yellow"))
            if idle_s > _PATIENT_S:
                text = "`roadmap doctor` tells whether a worker is running"
                lines.append(shown(complete(text), "yellow"))
        if self._trouble is not None:
            text = f"The API does not answer; trying again ({self._trouble})"
            lines.append(shown(text, "yellow"))
        return Padding(Group(*lines), (0, 0, 0, 1))

    def _id(self) -> Text:
        """Return the task's id; by its end where there is no room for all of it."""
        whole = self._model.task_id
        narrow = self._console.width < len(whole) + len("task ") + _MARGIN
        return Text(f"task {short_forms([whole])[whole] if narrow else whole}", style="dim")

    def _steps(self, idle_s: float) -> Table:
        table = Table.grid(padding=(0, 1))
        for line in self._model.steps:
            mark, style = self._mark(line)
            took = line.duration_s
            if took is None and self._model.last_at is not None:
                took = (self._model.last_at - line.started_at).total_seconds() + idle_s
            table.add_row(
                mark,
                shown(line.title, style),
                Text(duration(took or 0.0), style="dim"),
                shown(line.detail, "dim", overflow="ellipsis", no_wrap=True),
            )
        return table

    def _mark(self, line: StepLine) -> tuple[RenderableType, str]:
        match line.state:
            case State.RUNNING:
                return self._spinner, "bold"
            case State.WAITING:
                return Text("?", style="bold yellow"), "bold yellow"
            case State.DONE:
                return Text("+" if self._plain else "✓", style="green"), ""
            case State.LOST:
                return Text("~" if self._plain else "⟳", style="yellow"), "yellow"
            case State.FAILED:
                return Text("x" if self._plain else "✗", style="bold red"), "red"

    def _contents(self) -> Table:
        model = self._model
        over = model.done + model.failed
        style = "red" if model.failed and over == model.total else "green"
        bar = ProgressBar(
            total=model.total,
            completed=over,
            width=max(_BAR_WIDTH // 4, min(_BAR_WIDTH, self._console.width - _FACTS_WIDTH)),
            complete_style="cyan",
            finished_style=style,
        )
        facts = Text(f"{model.done}/{counted(model.total, model.noun)}")
        if model.failed:
            facts.append(f", {model.failed} failed", style="red")
        rate = model.rate_per_min()
        if rate is not None and model.outcome is None:
            facts.append(f", {rate:.0f}/min", style="dim")
        if model.left is not None and model.outcome is None and over < model.total:
            facts.append(f", {range_text(model.left)} left", style="dim")
        row = Table.grid(padding=(0, 1))
        row.add_row(bar, facts)
        return row


def range_text(left: TimeLeft) -> str:
    """Return the range of the time left in one unit."""
    for size, unit in ((HOUR_S, "h"), (MINUTE_S, "min")):
        if left.high_s >= 2 * size:
            low, high = int(left.low_s // size), int(-(-left.high_s // size))
            return f"{low}-{high} {unit}" if low else f"up to {high} {unit}"
    low, high = int(left.low_s), int(-(-left.high_s // 1))
    return f"{low}-{high} s" if high > low else f"{high} s"
