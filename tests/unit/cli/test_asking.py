"""A question on the terminal is answered there, or taken back when it is settled elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cli import asking, reviewing
from cli.asking import ClosedError, ask_line
from cli.client import Client
from cli.console import make_console
from cli.exits import usage
from cli.reviewing import Answered, Ask, answer_open_review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ABOVE = "A line above all\n"
TASK = "01990000-0000-7000-8000-000000000000"


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Type on the command's terminal; it is looked every few milliseconds whether it is settled."""
    reading, writing = os.pipe()
    monkeypatch.setattr(asking, "LOOK_S", 0.01)
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w", buffering=1) as keys:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: print(text, file=keys, flush=True)


def test_a_line_is_the_answer(keyboard: Callable[[str], None]) -> None:
    """What is typed comes back without the space around it."""
    keyboard("  approve ")
    assert ask_line(make_console(), "Well?", closed=lambda: None) == "approve"


def test_a_settled_question_is_taken_back(keyboard: Callable[[str], None]) -> None:
    """While nothing is typed, whoever settles the question elsewhere ends it."""
    looks = iter([None, None, "it was approved by bob"])
    with pytest.raises(ClosedError, match="approved by bob"):
        ask_line(make_console(), "Well?", closed=lambda: next(looks))


@pytest.mark.parametrize("settled", [False, True])
def test_a_review_that_is_decided_elsewhere_closes(
    api: Any,
    make_roadmap: Callable[[], dict[str, Any]],
    keyboard: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    settled: bool,  # noqa: FBT001 - a case
) -> None:
    """The open question is left with a sentence, the task goes on; without that it is answered."""
    api.status = "human_review_pending"
    api.review = {"review_id": "r", "version": 3, "roadmap": make_roadmap()}

    def asked() -> None:
        if settled:
            api.review = None
        else:
            keyboard("a")

    with Client(tmp_path) as client:
        answered = answer_open_review(
            client, TASK, Ask(make_console()), review_id="r", before=asked
        )
    assert answered is Answered.BY_US
    assert ("There is nothing left to decide: " in capsys.readouterr().err) is settled
    assert bool(api.bodies) is not settled


@pytest.mark.parametrize("kind", ["roadmap", "value"])
def test_a_refused_edit_is_asked_for_again_as_it_was_written(
    api: Any,
    make_roadmap: Callable[[], dict[str, Any]],
    keyboard: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kind: str,
) -> None:
    """What an editor, this side or the API refuses ends no command, and no letter is lost."""
    api.status = "human_review_pending"
    api.review = {"review_id": "r", "version": 3, "roadmap": None, "value": {"a": 0}}
    if kind == "roadmap":
        api.review["roadmap"] = make_roadmap()
    api.refuses = ["That breaks it."]
    opened: list[str] = []

    def edited(text: str) -> str:
        opened.append(text)
        keyboard("e")
        if len(opened) == 1:
            raise usage("The editor ended with exit code 1; nothing was changed.")
        fits = {"roadmap": text.replace("Ownership", "Owning"), "value": '{"a": 1}'}[kind]
        fits = fits.replace(ABOVE, "")
        broken = {"roadmap": ABOVE + fits, "value": "{"}[kind]
        return {2: broken, 3: fits, 4: fits + " "}[len(opened)]

    monkeypatch.setattr(reviewing, "edit_text", edited)
    keyboard("e")
    with Client(tmp_path) as client:
        answered = answer_open_review(client, TASK, Ask(make_console()), review_id="r")
    assert answered is Answered.BY_US
    assert opened[2].startswith((ABOVE, "{"))
    said = capsys.readouterr()
    assert "exit code 1" in said.out
    assert "That breaks it." in said.err
    assert [body["decision"] for body in api.bodies] == ["edit", "edit"]
