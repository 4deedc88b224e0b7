"""Every command at every width: ids that can be copied, nothing cut unsaid, nothing that acts."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from typer.main import get_command

from cli.main import app
from core.visible import one_line, visible
from docs.cli_reference import EXAMPLES, commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    Command = Callable[..., Result]

TASK = "01990000-0000-7000-8000-0000abcd1234"
OTHERS = ["00001234abcd", "11111234abcd"]
WIDTHS = (40, 80, 120)
WIDE = (
    "日本語のプログラミング言語を学ぶ 🦀 تعلم لغة راست "
    "Rust gründlich, mit vielen Beispielen und Übungen, von Anfang an"
)
CANARY = (
    "Learn\x1b[31m \x1b]0;owned\x07\x9b2J [red]Rust[/red] \u202eevil\u2066 \u200b\U000e0041"
    "\nready http://forged:1\r\x85\u2028forged\ud800 [link=http://a]b[/link] :bomb:"
)
ELSEWHERE = {
    "up": "runs a stack",
    "demo": "runs a stack",
    "worker": "becomes Celery's program",
    "beat": "becomes Celery's program",
    "flower": "becomes Celery's program",
    "api": "serves",
    "db upgrade": "talks to a database",
    "db check": "talks to a database",
    "db shell": "talks to a database",
    "doctor": "talks to servers",
    "token": "prints a token only",
    "revoke": "names users and tokens: test_api_on_a_stack",
    "open": "prints an address only",
    "probe worker": "reads a file of a worker",
    "completion": "prints a script",
    "workflows": "shows a stranger's package: test_strangers_package",
    "run": "needs a stranger's package: test_strangers_package",
    "new": "writes a folder: tests/integration/testing/test_packages.py",
}
"""Commands that show nothing of a task, tested where they belong."""
LINES = [line for name, lines in EXAMPLES.items() if name not in ELSEWHERE for line in lines]
_STYLES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_PART_OF_ID = re.compile(r"(?:01990000|…(?=[0-9a-f]{4}))[0-9a-f-]*")


def test_every_command_has_an_example_that_is_rendered_here() -> None:
    """A new command is looked at as soon as it is there."""
    known = dict(commands(get_command(app)))
    assert set(EXAMPLES) == set(known)
    assert set(ELSEWHERE) <= set(known) | {"db shell"}


@pytest.fixture
def shown(
    api: Any,
    roadmap: Command,
    make_event: Callable[..., Any],
    make_roadmap: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    settings_env: pytest.MonkeyPatch,
    tmp_path: Any,
) -> Callable[..., Result]:
    """Run an example on a terminal of some width; the API knows several tasks."""

    def become(*_: Any) -> None:
        raise AssertionError("It becomes another program: name it in ELSEWHERE.")

    for name in ("execv", "execve", "execvp", "execvpe"):
        monkeypatch.setattr(f"os.{name}", become)
    monkeypatch.setattr("tests.unit.cli.conftest.TASK", TASK)
    api.others = OTHERS
    (tmp_path / "edits.json").write_text(
        json.dumps([{"op": "remove", "concept_id": "01990000-0000-7000-8000-0000000000c1"}])
    )

    def run(line: str, *, width: int, text: str) -> Result:
        api.goal, api.status = text, "human_review_pending" if " review " in line else "failed"
        review = make_roadmap() | {"title": text, "summary": text}
        review["stages"][0]["title"] = review["stages"][0]["modules"][0]["title"] = text
        for concept in review["stages"][0]["modules"][0]["concepts"]:
            concept["title"] = text
        change = {"part": "concept", "title": text, "change": "renamed", "from": text, "to": text}
        api.review = {
            "review_id": "r", "version": 3, "roadmap": review, "issues": [text], "diff": [change],
            "due_at": "2026-11-23T10:00:00Z",
        }  # fmt: skip
        api.error = {"code": "content_refused", "message": text, "step": "intent_analysis"}
        failed = {"concept_id": "c", "concept_title": text, "kind": "quiz", "error": text}
        api.events = [
            make_event(1, "task_queued", message=text),
            make_event(2, "step_started", data={"step": "intent_analysis", "round": 1,
                                                "worker": "worker1@" + "h" * 30}),
            make_event(3, "content_failed", data=failed, message=text),
            make_event(4, "task_failed", status="failed", message=text,
                       data={"step": "intent_analysis", "error": text, "code": "x"}),
        ]  # fmt: skip
        settings_env.setenv("FORCE_COLOR", "1")
        settings_env.setenv("COLUMNS", str(width))
        words = [TASK if word == "TASK" else word for word in shlex.split(line)[1:]]
        return roadmap(*words)

    return run


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("line", [line for line in LINES if "--json" not in line])
def test_nothing_is_cut_unsaid(shown: Callable[..., Result], line: str, width: int) -> None:
    """Ids stand there whole or as an end that commands take; lines fit, hints are in one piece."""
    result = shown(line, width=width, text=WIDE)
    assert "Traceback" not in result.output
    assert result.exit_code in {0, 1, 2, 3, 5}, result.output
    assert result.output, "there is something to see"
    table = "list" in line or "--timeline" in line
    ids = {TASK, *(TASK[: -len(end)] + end for end in OTHERS)}
    for raw in result.output.splitlines():
        text = _STYLES.sub("", raw)
        drawn = table or text.startswith(("│", "├", "└"))
        hint = "There are more: " in text
        if drawn and not hint and len(text.split()) > 2:
            assert cell_len(text) <= width, text
        for part in _PART_OF_ID.findall(text):
            end = part.lstrip("…")
            assert part in ids or (part != end and any(known.endswith(end) for known in ids))
    if line == "roadmap schedule list":
        assert "events removed 4711" in " ".join(_STYLES.sub("", result.output).split())
    if line.startswith("roadmap list"):
        assert "…" in result.output or WIDE in result.output
        assert _STYLES.sub("", result.output).count("11/12") == 1 + len(OTHERS)


@pytest.mark.parametrize("line", LINES)
def test_what_others_wrote_cannot_act(shown: Callable[..., Result], line: str) -> None:
    """A text full of controls, markup and forged lines is shown, escaped, by every command."""
    result = shown(line, width=120, text=CANARY)
    for output in (result.stdout, result.stderr):
        plain = _STYLES.sub("", output).replace("\r", "")
        assert visible(plain) == plain
        assert "\x1b[31mRust" not in output
        assert "\x1b]" not in output
        assert "ready http://forged:1" not in plain.splitlines()
    if "--json" in line:
        documents = [json.loads(text) for text in result.stdout.splitlines()]
        assert all(not isinstance(one, dict) or one for one in documents)
    elif "[red]" in result.stdout:
        assert "[red]Rust[/red]" in result.stdout.replace("\n", " ")


def test_a_short_id_is_accepted_by_every_command(
    api: Any, roadmap: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a narrow list shows of an id names the task in every command, with its sign or not.

    So does a whole one, in any form that programs write ids in.
    """
    monkeypatch.setattr("tests.unit.cli.conftest.TASK", TASK)
    api.others = OTHERS
    api.events = []
    for name in ("show", "retry", "cancel"):
        plain = TASK.replace("-", "").upper()
        for given in (*("…abcd1234", "abcd1234", "...ABCD1234", TASK), plain, f"{{{TASK}}} "):
            api.asked.clear()
            result = roadmap(name, given)
            assert result.exit_code == 0, result.output
            assert any(f"/tasks/{TASK}" in asked for asked in api.asked)


def test_a_short_id_of_several_lists_them(
    api: Any, roadmap: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is done to a task that was perhaps not meant; the message names each."""
    monkeypatch.setattr("tests.unit.cli.conftest.TASK", TASK)
    api.others, api.goal = OTHERS, CANARY
    result = roadmap("cancel", "1234abcd")
    assert result.exit_code == 2
    assert not any(asked.startswith("POST") for asked in api.asked)
    for end in OTHERS:
        assert TASK[: -len(end)] + end in result.stderr
    assert visible(result.stderr) == result.stderr
    assert one_line(CANARY)[:10] in result.stderr
