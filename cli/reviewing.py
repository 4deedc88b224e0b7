"""How a review that comes up is answered: by asking, by approving, or not now."""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from cli.api_errors import ApiError
from cli.asking import ClosedError, ask_line
from cli.console import note, shown
from cli.editor import edit_text
from cli.exits import CommandError
from cli.json_input import parsed
from cli.moments import moment
from cli.outline_edit import to_edits, to_text
from cli.outline_view import changes_text, outline_tree
from cli.schema_order import in_order
from cli.values import print_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from cli.asking import Closed
    from cli.client import Client

Decision = dict[str, Any]


class Reviewer(Protocol):
    """Answers reviews."""

    asks: bool
    """Whether somebody is there who can answer once more when an answer is refused."""

    def decide(self, review: dict[str, Any], *, closed: Closed) -> Decision | None:
        """Return the decision about a review, or None for not now.

        Args:
            review: The review.
            closed: Tells why there is nothing left to decide, once it is so.

        Raises:
            ClosedError: It was decided elsewhere while somebody was asked here.
        """


class Leave:
    """Decides nothing: somebody else will."""

    asks = False

    def decide(self, review: dict[str, Any], *, closed: Closed) -> Decision | None:  # noqa: ARG002 - the protocol's
        """Return None."""
        return None


class Approve:
    """Approves, after showing what.

    Args:
        console: Where the outline is shown; None shows nothing.
    """

    asks = False

    def __init__(self, console: Console | None = None) -> None:
        """Remember where to show it."""
        self._console = console

    def decide(self, review: dict[str, Any], *, closed: Closed) -> Decision | None:  # noqa: ARG002 - the protocol's
        """Return the approval."""
        if self._console is not None:
            show_review(self._console, review)
            self._console.print("Approving automatically.\n", style="bold")
        return {"decision": "approve"}


class Ask:
    """Asks on the terminal.

    Args:
        console: Where to show and ask.
    """

    asks = True

    def __init__(self, console: Console) -> None:
        """Remember the console."""
        self._console = console
        self._kept: tuple[Any, str] | None = None

    def decide(self, review: dict[str, Any], *, closed: Closed) -> Decision | None:
        """Show the outline and ask until there is an answer."""
        show_review(self._console, review)
        while True:
            try:
                answer = self._choice(closed)
                decision = self._answer(answer[0], review, closed)
            except EOFError:
                return None
            if decision is not None or answer[0] == "l":
                return decision

    def _choice(self, closed: Closed) -> str:
        """Ask until one of the words is given; nothing is the last one."""
        question = f"{', '.join(_WORDS[:-1])}, or {_WORDS[-1]}? (later):"
        while True:
            given = ask_line(self._console, question, closed=closed).lower() or _WORDS[-1]
            for word in _WORDS:
                if given in {word, word[0], word.split()[0]}:
                    return word
            self._console.print("Type one of approve, reject, edit and later, or its first letter.")

    def _answer(self, letter: str, review: dict[str, Any], closed: Closed) -> Decision | None:
        if letter == "a":
            return {"decision": "approve"}
        if letter == "r":
            feedback = ask_line(self._console, "What should change?", closed=closed)
            return {"decision": "reject", "feedback": feedback} if feedback else None
        if letter == "e":
            try:
                return self._edit(review)
            except CommandError as error:  # of the editor, or of a line: it may be tried again
                self._console.print(shown(error.message, "red"))
        return None

    def _edit(self, review: dict[str, Any]) -> Decision | None:
        if review.get("roadmap") is None:
            return self._replace(review)
        changed = self._edited(review, to_text(review["roadmap"]))
        if changed is None:
            self._console.print("Nothing was saved.")
            return None
        edits = to_edits(review["roadmap"], changed)
        if not edits:
            self._console.print("Nothing was changed.")
            return None
        return {"decision": "edit", "edits": edits}

    def _replace(self, review: dict[str, Any]) -> Decision | None:
        """Let the value under review be edited as JSON."""
        value = in_order(review.get("value"), review.get("schema"))
        changed = self._edited(review, json.dumps(value, indent=2, ensure_ascii=False))
        if changed is None:
            self._console.print("Nothing was changed.")
            return None
        try:
            return {"decision": "edit", "value": parsed(changed)}
        except ValueError as error:
            self._console.print(shown(f"That is no JSON: {error}. Nothing was sent.", "red"))
            return None

    def _edited(self, review: dict[str, Any], before: str) -> str | None:
        """Let a text be edited; one that was refused is there again, as somebody wrote it."""
        about = (review.get("review_id"), review.get("version"))
        if self._kept is not None and self._kept[0] == about:
            before = self._kept[1]
        changed = edit_text(before)
        if changed is not None:
            self._kept = (about, changed)
        return changed


def show_review(console: Console, review: dict[str, Any]) -> None:
    """Print what is under review and until when: a roadmap, or what another step made."""
    console.print()
    if review.get("roadmap") is not None:
        _show_roadmap(console, review)
    else:
        again = f", round {review['round']}" if review.get("round", 1) > 1 else ""
        console.print(shown(f"{review.get('of') or 'Result'}{again}", "bold"))
        print_value(console, review.get("value"), review.get("schema"))
    if review.get("due_at"):
        console.print(f"Due {moment(review['due_at'])}", style="dim")
    console.print()


def _show_roadmap(console: Console, review: dict[str, Any]) -> None:
    """Print the tree, the changes since the last round, and what is still found fault with."""
    console.print(outline_tree(review["roadmap"], marks=False))
    if review["roadmap"].get("summary"):
        console.print(shown(review["roadmap"]["summary"], "dim"))
    for change in changes_text(review.get("diff") or []):
        console.print(shown(f"  • {change}", "yellow"))
    for issue in review.get("issues") or []:
        console.print(shown(f"  ! {issue}", "yellow"))


class Answered(Enum):
    """What became of a review that came up."""

    BY_US = "by us"
    NOT_NOW = "not now"
    NOT_NEEDED = "not needed"
    """It was not open any more before anybody was asked."""


def answer_open_review(
    client: Client,
    task_id: str,
    reviewer: Reviewer,
    *,
    review_id: str | None,
    before: Callable[[], None] = lambda: None,
) -> Answered:
    """Answer a task's review if it is still open.

    Args:
        client: The API.
        task_id: The task.
        reviewer: Who answers.
        review_id: The review an event told of; when it is no longer the open one it was decided.
        before: Called before the reviewer is asked, and only then.
    """
    asked = False
    while True:
        try:
            review = client.review(task_id)
            if review_id is not None and review["review_id"] != review_id:
                break  # an event of the past: the open one has an event of its own
            if not asked:
                before()
            asked = True
            decision = reviewer.decide(review, closed=lambda: _closed(client, task_id, review))  # noqa: B023 - asked within
            if decision is None:
                return Answered.NOT_NOW
            if not _taken(client, task_id, reviewer, review, decision):
                continue
        except ClosedError as error:
            note(f"There is nothing left to decide: {error}")
        except ApiError as error:
            if error.status not in {_NOT_FOUND, _CONFLICT}:
                raise
            if asked:
                note(f"There is nothing left to decide: {error.message}")
        break
    return Answered.BY_US if asked else Answered.NOT_NEEDED


def _taken(
    client: Client,
    task_id: str,
    reviewer: Reviewer,
    review: dict[str, Any],
    decision: Decision,
) -> bool:
    """Send a decision; False when another one is wanted: of what is there now, or a valid one."""
    try:
        client.decide(task_id, decision, version=review["version"])
    except ApiError as error:
        if error.status == _STALE:
            note("What is under review changed meanwhile; look again")
        elif error.status == _REFUSED and reviewer.asks:
            note(f"{error.message} Nothing was decided; answer again")
        else:
            raise
        return False
    return True


def _closed(client: Client, task_id: str, review: dict[str, Any]) -> str | None:
    """Return why a review is not the open one any more, or None while it is, or nobody knows."""
    try:
        now = client.review(task_id)
    except ApiError as error:
        return error.message if error.status == _NOT_FOUND else None
    except CommandError:
        return None  # the API is away: whoever answers will learn it
    same = all(now[fact] == review[fact] for fact in ("review_id", "version"))
    return None if same else "another version is under review by now."


_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_STALE: Final = 412
_REFUSED: Final = 422
_WORDS: Final = ("approve", "reject with feedback", "edit", "later")
