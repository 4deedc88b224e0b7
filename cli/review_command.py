"""`roadmap review`: shows an open review, and answers it."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.arguments import DataDirOption, JsonOption, ReviewedTask
from cli.console import emit, emit_json, note
from cli.data_dir import DEFAULT
from cli.exits import EPILOG, ExitCode, usage
from cli.hints import command
from cli.json_input import read_input, read_json
from core.states import Then

app = typer.Typer()

_ASKED: Final = "you are asked"


@app.command(epilog=EPILOG)
def review(  # noqa: PLR0913 - each is an option of the command
    task: ReviewedTask,
    *,
    approve: Annotated[bool, typer.Option("--approve", help="Approve it.")] = False,
    reject: Annotated[
        str | None,
        typer.Option(
            metavar="FEEDBACK", help="Reject it, saying what to change.", show_default=_ASKED
        ),
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option(
            help="Change it yourself, and approve that: a file with a JSON list of edits, such as"
            ' [{"op": "rename", "concept_id": ID, "title": "Ownership"}].'
            " `roadmap review TASK --json` tells the ids. Operations: rename,"
            " remove, add, move, update; docs/API.md shows each.",
            show_default=_ASKED,
        ),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            metavar="JSON|@FILE|-",
            help="In any workflow but `roadmap`: put this in the place of the value under review,"
            " and approve that: JSON, a file with it, or `-` for stdin."
            " `roadmap review TASK --json` tells the value and its schema.",
            show_default=_ASKED,
        ),
    ] = None,
    then: Annotated[
        Then | None,
        typer.Option(
            help="After --edits or --value: approve the edited version, or review it.",
            show_default=str(Then.APPROVE),
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Decide only if this version is still under review.",
            show_default="the one under review now",
        ),
    ] = None,
    data_dir: DataDirOption = DEFAULT,
    json: JsonOption = False,
) -> None:
    """Answer a task's review; without an option you are asked, or it is shown."""
    from cli.client import Client

    decision = _decision(approve=approve, reject=reject, edits=edits, value=value, then=then)
    with Client(data_dir) as client:
        task = client.full_id(task)
        if decision is None and not json and sys.stdin.isatty() and sys.stdout.isatty():
            _ask(client, task)
            return
        if decision is None:
            _show_open(client.review(task), json=json)
            raise typer.Exit(ExitCode.REVIEW)
        answer = client.decide(
            task, decision, version=version if version is not None else client.version(task)
        )
        if json:
            emit_json(answer)
        else:
            again = decision.get("then") == "review"
            emit(
                f"Edited; look at it again: {command('review', task)}"
                if again
                else f"Decided: {decision['decision']}. Watch it: {command('watch', task)}"
            )


def _decision(
    *,
    approve: bool,
    reject: str | None,
    edits: Path | None,
    value: str | None,
    then: Then | None,
) -> dict[str, Any] | None:
    if then is not None and edits is None and value is None:
        raise usage("--then goes with --edits or --value.")
    if approve + sum(given is not None for given in (reject, edits, value)) > 1:
        raise usage("Give only one of --approve, --reject, --edits and --value.")
    if approve:
        return {"decision": "approve"}
    if reject is not None:
        return {"decision": "reject", "feedback": reject}
    follows = {"then": str(then)} if then else {}
    if value is not None:
        return {"decision": "edit", "value": read_input(value, what="the value")} | follows
    if edits is None:
        return None
    changes = read_json(edits, what="the edits")
    if not isinstance(changes, list):
        raise usage(f"{edits} must hold a JSON list of edits.")
    return {"decision": "edit", "edits": changes} | follows


def _ask(client: Any, task: str) -> None:
    from cli.console import make_console
    from cli.reviewing import Answered, Ask, answer_open_review

    client.review(task)  # says so when there is none
    answered = answer_open_review(client, task, Ask(make_console()), review_id=None)
    if answered is Answered.NOT_NOW:
        raise typer.Exit(ExitCode.REVIEW)
    emit(f"Watch it: {command('watch', task)}")


def _show_open(found: dict[str, Any], *, json: bool) -> None:
    if json:
        emit_json(found)
        return
    from cli.outline_view import tree_console
    from cli.reviewing import show_review

    show_review(tree_console(), found)
    edit = "--value @FILE" if found.get("roadmap") is None else "--edits FILE"
    note(f"Answer with --approve, --reject FEEDBACK or {edit}")
