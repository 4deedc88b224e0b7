"""The client commands against a scripted API: exit codes, JSON, discovery, disconnects."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import client
from cli.exits import ExitCode
from cli.live import LiveView
from cli.main import app
from cli.progress_model import ProgressModel
from cli.watching import Watch
from roadmap_client import following, transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    Command = Callable[..., Result]
    MakeEvent = Callable[..., dict[str, Any]]
    MakeRoadmap = Callable[[], dict[str, Any]]

TASK = "01990000-0000-7000-8000-000000000000"
ROADMAP = "01990000-0000-7000-8000-00000000000a"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    for module in (following, transport):
        monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.001)
        monkeypatch.setattr(module, "LONGEST_PAUSE_S", 0.01)


def history(make_event: MakeEvent, *kinds: str, **last: Any) -> list[dict[str, Any]]:
    """Return one event of each type; `last` goes to the last one."""
    events = [make_event(seq, kind) for seq, kind in enumerate(kinds, 1)]
    events[-1] |= last
    return events


def seqs(result: Result) -> list[int]:
    """Return the numbers of the events on stdout."""
    return [json.loads(line)["seq"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("terminal", "status", "code"),
    [
        ("task_completed", "completed", 0),
        ("task_partially_failed", "partial_failure", 3),
        ("task_failed", "failed", 1),
        ("task_cancelled", "cancelled", 1),
    ],
)
def test_watch_ends_with_the_outcomes_code(
    api: Any, roadmap: Command, make_event: MakeEvent, terminal: str, status: str, code: int
) -> None:
    """The exit code tells how the task ended."""
    api.status = status
    api.events = history(make_event, "task_queued", terminal, status=status)
    result = roadmap("watch", TASK)
    assert result.exit_code == code
    assert terminal.replace("_", " ") in result.stdout
    assert ("roadmap retry" in result.stdout) == (code != 0)


def test_watch_survives_cut_streams_without_repeat_or_gap(
    api: Any, roadmap: Command, make_event: MakeEvent
) -> None:
    """Connections cut in the middle are resumed after the last event."""
    kinds = ["task_queued", *["content_completed"] * 8, "task_completed"]
    api.events = history(make_event, *kinds, status="completed")
    for event in api.events:
        event["data"] = {"concept_id": str(event["seq"]), "kind": "quiz"}
    api.cuts = [0, 3, 1, 4]
    result = roadmap("watch", TASK, "--json")
    assert seqs(result) == list(range(1, 11))
    assert result.exit_code == 0
    assert any("after=3" in asked for asked in api.asked)


def test_watch_polls_when_streams_do_not_work(
    api: Any, roadmap: Command, make_event: MakeEvent
) -> None:
    """Where no stream comes through, long polls bring the same events."""
    api.stream_status = 503
    api.events = history(make_event, "task_queued", "task_started", "task_completed")
    api.events[-1]["status"] = "completed"
    result = roadmap("watch", TASK, "--json")
    assert seqs(result) == [1, 2, 3]
    assert result.exit_code == 0


def test_watch_of_a_retried_task_goes_past_the_first_end(
    api: Any, roadmap: Command, make_event: MakeEvent
) -> None:
    """An old terminal event does not end the watch when a retry follows it."""
    kinds = ["task_queued", "task_failed", "task_retried", "task_completed"]
    api.events = history(make_event, *kinds, status="completed")
    result = roadmap("watch", TASK, "--json")
    assert seqs(result) == [1, 2, 3, 4]
    assert result.exit_code == 0


def test_watch_gives_up_on_an_api_that_stays_away(
    api: Any, roadmap: Command, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the patience is over the command ends with 4 and says how to come back."""
    monkeypatch.setattr(client, "PATIENCE_S", 0.2)
    api.status = "processing"
    api.events = history(make_event, "task_queued", "task_started")
    api.dies_after = 2
    begun = time.monotonic()
    result = roadmap("watch", TASK)
    assert result.exit_code == 4
    assert "task started" in result.stdout
    assert result.stderr.count("The API does not answer") == 1
    assert f"roadmap watch {TASK}" in result.stderr
    assert time.monotonic() - begun < 10


def test_a_review_nobody_answers_ends_with_5(
    api: Any, roadmap: Command, make_roadmap: MakeRoadmap, make_event: MakeEvent
) -> None:
    """Away from a terminal a due review ends the command, saying which one comes next."""
    api.status = "human_review_pending"
    api.review = {"review_id": "r", "version": 3, "roadmap": make_roadmap()}
    api.events = history(make_event, "task_queued", "review_required", data={"review_id": "r"})
    result = roadmap("generate", "Learn Rust")
    assert result.exit_code == 5
    assert f"roadmap review {TASK}" in result.stderr


def test_yes_approves_and_goes_on(
    api: Any, roadmap: Command, make_roadmap: MakeRoadmap, make_event: MakeEvent
) -> None:
    """With --yes the review is approved for the version that was shown."""
    api.status = "human_review_pending"
    api.review = {"review_id": "r", "version": 3, "roadmap": make_roadmap()}
    api.events = history(make_event, "task_queued", "review_required", data={"review_id": "r"})
    result = roadmap("generate", "Learn Rust", "--yes", "--json")
    assert result.exit_code == 0, result.stderr
    assert seqs(result) == [1, 2, 3, 4]
    assert api.bodies[-1] == {"decision": "approve"}
    decided = next(i for i, asked in enumerate(api.asked) if asked.startswith("POST") and i)
    assert api.headers[decided]["If-Match"] == '"3"'


def test_a_review_that_was_decided_is_not_asked_again(
    api: Any, roadmap: Command, make_event: MakeEvent
) -> None:
    """Replayed reviews of the past do not stop a watch."""
    kinds = ["task_queued", "review_required", "review_decided", "task_completed"]
    api.events = history(make_event, *kinds, status="completed")
    assert roadmap("watch", TASK).exit_code == 0


def test_generate_sends_only_what_was_given(api: Any, roadmap: Command) -> None:
    """Preferences that were not given are left to the server."""
    result = roadmap(
        "generate", "Learn Rust", "--level", "advanced", "--no-review", "--detach", "--json"
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["task_id"] == TASK
    assert api.bodies == [
        {"goal": "Learn Rust", "review": False, "preferences": {"level": "advanced"}}
    ]
    assert "Idempotency-Key" in api.headers[0]


@pytest.mark.parametrize(
    "args",
    [
        ("list",),
        ("show", TASK),
        ("show", ROADMAP),
        ("retry", TASK),
        ("cancel", TASK),
        ("review", TASK, "--approve"),
    ],
)
def test_json_is_one_document_on_stdout(
    api: Any, roadmap: Command, make_roadmap: MakeRoadmap, args: tuple[str, ...]
) -> None:
    """With --json stdout holds exactly one JSON document."""
    api.review = {"review_id": "r", "version": 3, "roadmap": make_roadmap()}
    result = roadmap(*args, "--json")
    assert result.exit_code == 0, result.stderr
    assert isinstance(json.loads(result.stdout), dict)


def test_show_marks_what_failed(api: Any, roadmap: Command) -> None:
    """The tree shows each concept with its marks, a failed content with its cause."""
    result = roadmap("show", TASK)
    assert "✓✓✗ Enums" in result.stdout
    assert "content_refused" in result.stdout


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("pending", "watch"),
        ("processing", "watch"),
        ("human_review_pending", "review"),
        ("partial_failure", "retry"),
        ("failed", "retry"),
        ("cancelled", "retry"),
    ],
)
def test_show_names_the_next_step(api: Any, roadmap: Command, status: str, command: str) -> None:
    """A task that is not complete is shown with the command that goes on; a complete one is not."""
    assert roadmap("show", TASK).stderr == ""
    api.status = status
    assert f"roadmap {command} {TASK}" in roadmap("show", TASK).stderr


def test_show_says_why_there_is_no_roadmap(api: Any, roadmap: Command) -> None:
    """A task that failed before its outline: the reason, and how to try again."""
    api.status, api.roadmap_id = "failed", None
    api.error = {"code": "x", "message": "The key is wrong.", "step": "intent_analysis"}
    result = roadmap("show", TASK)
    assert result.exit_code == 2
    assert "It failed: The key is wrong. Retry what is missing: " in result.stderr
    assert f"roadmap retry {TASK}" in result.stderr


def test_show_and_watch_tell_what_it_cost(
    api: Any, roadmap: Command, make_event: MakeEvent
) -> None:
    """Calls, tokens and dollars; an amount that is not known is left out, not zero."""
    lines = roadmap("show", TASK).stdout.splitlines()
    assert "15 model calls, 4,321 tokens, $0.0123 of 5,000 tokens allowed" in lines[-1]
    assert lines[-2].split("  ")[0] == "roadmap edit (2)"
    assert "$" not in lines[-2]
    assert json.loads(roadmap("show", TASK, "--json").stdout)["usage"]["total"]["tokens"] == 4321
    api.events = history(make_event, "task_queued", "task_completed", status="completed")
    assert "It used 15 model calls, 4,321 tokens, $0.0123." in roadmap("watch", TASK).stdout


def test_a_task_that_nobody_takes_is_explained() -> None:
    """While no worker takes the task the live view says so, and after a while how to find out."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    model = ProgressModel(TASK, goal="Learn Rust")
    model.take({"line": {"message": "No worker tells of itself."}})
    view = LiveView(console, model)
    console.print(view._draw())
    view._heard_at -= 60
    console.print(view._draw())
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("It waits. No worker tells of itself.") == 2
    assert console.file.getvalue().count("whether a worker is running") == 1


def test_silence_is_explained_where_there_is_no_picture(
    api: Any, roadmap: Command, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe, too, it is told what a silent task waits for; once, and not among the events."""
    monkeypatch.setattr("cli.watching._ASK_S", 0.05)
    api.status, api.quiet_s = "completed", 0.4
    api.line = {"position": None, "reason": "worker", "message": "Its worker is lost."}
    api.events = history(make_event, "task_queued", "task_started", "task_completed")
    api.events[-1]["status"] = "completed"
    result = roadmap("watch", TASK)
    assert result.stderr.count("It waits. Its worker is lost.") == 1
    assert "It waits" not in result.stdout
    assert result.exit_code == 0
    api.quiet_s = 0.4
    assert "It waits" not in roadmap("watch", TASK, "--json").output


def test_a_review_of_the_past_makes_no_room_for_a_question(
    api: Any, make_event: MakeEvent, make_roadmap: MakeRoadmap
) -> None:
    """The picture stands still for a review that is really open, whatever the log tells of."""
    kinds = ["review_required", "review_decided", "review_required"]
    api.events = history(make_event, *kinds)
    for event, review in zip(api.events, ("old", "old", "new"), strict=True):
        event["data"] = {"review_id": review, "decision": "reject"}
    api.status = "human_review_pending"
    api.review = {"review_id": "new", "version": 3, "roadmap": make_roadmap()}
    with client.Client(Path()) as talking:
        watch = Watch(talking, talking.task(TASK), json=False, approve=False)
        pauses: list[str] = []
        watch._view.pause = lambda: pauses.append("paused")  # type: ignore[method-assign]
        assert watch.run() is ExitCode.REVIEW
    assert pauses == ["paused"]


def test_totals_are_the_apis(api: Any, roadmap: Command, make_event: MakeEvent) -> None:
    """How long it took is what the API says, however long its steps were."""
    api.took_s = 185.2
    api.events = history(make_event, "task_queued", "task_completed", status="completed")
    assert "It took 3 min 05 s in all." in roadmap("watch", TASK).stdout


def test_ascii_out(roadmap: Command, api: Any) -> None:
    """JSON stays exact where the locale cannot show it."""
    api.goal = "学习弹吉他"
    ascii_out = CliRunner(charset="ascii").invoke(app, ["show", TASK, "--json"])
    listed = CliRunner(charset="ascii").invoke(app, ["list", "--json"])
    assert (ascii_out.exit_code, listed.exit_code) == (0, 0)
    assert json.loads(listed.stdout)["tasks"][0]["goal"] == api.goal


def test_help_lists_exit_codes(roadmap: Command) -> None:
    """The help documents how commands end."""
    assert "130 interrupted" in " ".join(roadmap("watch", "--help").stdout.split())


def test_a_retry_shows_only_what_is_new(
    api: Any, roadmap: Command, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`retry --watch` does not repeat the events of the run before."""
    api.status = "completed"
    api.events = history(make_event, "task_queued", "task_failed", status="failed")

    def retried(_self: Any, _task: str) -> dict[str, Any]:
        api.events += [make_event(3, "task_retried"), make_event(4, "task_completed")]
        api.events[-1]["status"] = "completed"
        return {}

    monkeypatch.setattr("cli.client.Client.retry", retried)
    result = roadmap("retry", TASK, "--watch", "--json")
    assert seqs(result) == [3, 4]
    assert result.exit_code == 0
