"""What the API refuses, in the words and exit codes of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.exits import CommandError, failed, unreachable, usage
from cli.troubles import readiness, what_is_down
from roadmap_start.unneeded import CLIENTS, import_without

import_without(CLIENTS)  # before the client imports it with all that it brings
from roadmap_client import (  # noqa: E402 - see above
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ProblemError,
    ServerError,
    UnauthorizedError,
)

if TYPE_CHECKING:
    from pathlib import Path

_OF_AN_OPTION: Final = 2
_SAID_BY_API: Final = ("job ", "open review ", "workflow ", "part ")
"""Of what is missing here the API knows more: the names there are, how a review was decided."""


class ApiError(CommandError):
    """The API answered with a problem."""

    def __init__(self, error: CommandError, *, status: int) -> None:
        """Keep the HTTP status beside the message."""
        super().__init__(error.message, error.exit_code)
        self.status = status


def explain(problem: ProblemError, *, what: str, api_url: str, data_dir: Path) -> ApiError:
    """Return what the API refused as the error that ends a command.

    Args:
        problem: What it answered.
        what: What it was asked for, in words.
        api_url: Where it is.
        data_dir: The stack's folder.
    """
    said = problem.detail
    match problem:
        case NotFoundError():
            own_words = what.startswith(_SAID_BY_API)
            missing = f"There is no such {what}, or it belongs to somebody else."
            error = usage(said if own_words and said else missing)
        case UnauthorizedError():
            error = usage(
                f"The API lets nobody in without its token: {said} Get one with"
                " `roadmap token --user NAME` and set ROADMAP_TOKEN to it."
            )
        case ForbiddenError():
            error = usage(
                f"The token's role does not allow this: {said} Get an admin's with"
                " `roadmap token --user NAME --role admin` and set ROADMAP_TOKEN to it."
            )
        case ServerError():
            down = what_is_down(readiness(api_url), data_dir)
            error = unreachable(f"The API cannot do this now: {said}{down}")
        case ConflictError():
            error = failed(said)
        case _ if problem.errors:
            error = usage("The request is not valid: " + "; ".join(map(_told, problem.errors)))
        case _:
            error = usage(said)
    return ApiError(error, status=problem.status)


def _told(problem: dict[str, Any]) -> str:
    """Return what is wrong with one field, named as the command's user knows it."""
    field = str(problem.get("field", "")).removeprefix("body.").removeprefix("query.")
    if field == "body":  # as a whole: its rule says what it lacks
        return str(problem.get("message", ""))
    words = field.split(".")
    numbered = len(words) > 1 and words[1].isdigit()
    if numbered and len(words) == _OF_AN_OPTION:  # `status.0`: one value of an option
        field = words[0]
    elif numbered:  # `edits.0.rename.concept_id`: people count from one
        item = words[0].removesuffix("s")
        field = f"{item} {int(words[1]) + 1} ({' '.join(words[2:-1])}): {words[-1]}"
        field = field.replace(" ():", ":")
    return f"{field} {problem.get('message', '')}".strip()
