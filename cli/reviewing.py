"""How a review that comes up is answered: by asking, by approving, or not now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from cli.client import ApiError
from cli.console import note, shown
from cli.editor import edit_text
from cli.exits import CommandError
from cli.moments import moment
from cli.outline_edit import to_edits, to_text
from cli.outline_view import changes_text, outline_tree

if TYPE_CHECKING:
    from rich.console import Console

    from cli.client import Client

Decision = dict[str, Any]


class Reviewer(Protocol):
    """Answers reviews."""

    def decide(self, review: dict[str, Any]) -> Decision | None:
        """Return the decision about a review, or None for not now."""


class Leave:
    """Decides nothing: somebody else will."""

    def decide(self, review: dict[str, Any]) -> Decision | None:  # noqa: ARG002 - the protocol's
        """Return None."""
        return None


class Approve:
    """Approves, after showing what.

    Args:
        console: Where the outline is shown; None shows nothing.
    """

    def __init__(self, console: Console | None = None) -> None:
        """Remember where to show it."""
        self._console = console

    def decide(self, review: dict[str, Any]) -> Decision | None:
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

    def __init__(self, console: Console) -> None:
        """Remember the console."""
        self._console = console

    def decide(self, review: dict[str, Any]) -> Decision | None:
        """Show the outline and ask until there is an answer."""
        from rich.prompt import Prompt

        show_review(self._console, review)
        while True:
            try:
                answer = Prompt.ask(
                    "[bold]approve, reject with feedback, edit, or later?[/bold]",
                    choices=["approve", "reject", "edit", "later", "a", "r", "e", "l"],
                    show_choices=False,
                    default="later",
                    console=self._console,
                )
                decision = self._answer(answer[0], review)
            except EOFError:
                return None
            if decision is not None or answer[0] == "l":
                return decision

    def _answer(self, letter: str, review: dict[str, Any]) -> Decision | None:
        from rich.prompt import Prompt

        if letter == "a":
            return {"decision": "approve"}
        if letter == "r":
            feedback = Prompt.ask("What should change?", console=self._console).strip()
            return {"decision": "reject", "feedback": feedback} if feedback else None
        if letter == "e":
            return self._edit(review)
        return None

    def _edit(self, review: dict[str, Any]) -> Decision | None:
        before = to_text(review["roadmap"])
        changed = edit_text(before)
        if changed is None:
            self._console.print("Nothing was saved.")
            return None
        try:
            edits = to_edits(review["roadmap"], changed)
        except CommandError as error:
            self._console.print(error.message, style="red")
            return None
        if not edits:
            self._console.print("Nothing was changed.")
            return None
        return {"decision": "edit", "edits": edits}


def show_review(console: Console, review: dict[str, Any]) -> None:
    """Print what is under review: tree, changes since the last round, open issues, due date."""
    console.print()
    console.print(outline_tree(review["roadmap"], marks=False))
    if review["roadmap"].get("summary"):
        console.print(shown(review["roadmap"]["summary"], "dim"))
    for change in changes_text(review.get("diff") or []):
        console.print(shown(f"  • {change}", "yellow"))
    for issue in review.get("issues") or []:
        console.print(shown(f"  ! {issue}", "yellow"))
    if review.get("due_at"):
        console.print(f"Due {moment(review['due_at'])}", style="dim")
    console.print()


def answer_open_review(
    client: Client, task_id: str, reviewer: Reviewer, *, review_id: str | None
) -> bool:
    """Answer a task's review if it is still open; return whether the task goes on.

    Args:
        client: The API.
        task_id: The task.
        reviewer: Who answers.
        review_id: The review an event told of; when it is no longer the open one it was decided.
    """
    while True:
        try:
            review = client.review(task_id)
            if review_id is not None and review["review_id"] != review_id:
                return True
            decision = reviewer.decide(review)
            if decision is None:
                return False
            client.decide(task_id, decision, version=review["version"])
        except ApiError as error:
            if error.status == _STALE:
                note("The roadmap changed meanwhile; look again")
                continue
            if error.status == _NOT_FOUND:
                return True  # an event of the past: it was decided long ago
            if error.status != _CONFLICT:
                raise
            note("The review was decided by somebody else")
        return True


_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_STALE: Final = 412
