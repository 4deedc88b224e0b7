"""Beat says in one line what it could not send, and goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from celery.beat import SchedulingError
from structlog.testing import capture_logs

from worker.app import app
from worker.scheduler import Scheduler

if TYPE_CHECKING:
    import pytest


def test_what_cannot_be_sent_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that takes no writes costs a short line for each try, without the calls before."""
    assert app.conf.beat_scheduler == "worker.scheduler:Scheduler"
    scheduler = Scheduler(app, lazy=True)

    def refused(*_args: object, **_options: object) -> None:
        raise SchedulingError("Couldn't apply scheduled task recover: MISCONF no space left")

    monkeypatch.setattr(scheduler, "apply_async", refused)
    with capture_logs() as told:
        scheduler.apply_entry(SimpleNamespace(name="recover", task="maintenance.recover"))
    assert told == [
        {
            "event": "job_not_asked_for",
            "job": "recover",
            "error": "Couldn't apply scheduled task recover: MISCONF no space left",
            "log_level": "error",
        }
    ]
