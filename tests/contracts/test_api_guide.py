"""The guide for integrators says all of it; its snippets run in tests/e2e/test_api_guide.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from api.gate import FORWARDED, WRONG_HOST
from api.problems import CODE_OF, STATUS_OF
from api.refusals import CODES
from api.registry import TooManyStreamsError
from watching.viewer import CredentialsRevokedError, StreamExpiredError

if TYPE_CHECKING:
    from core import errors

GUIDE = (Path(__file__).parents[2] / "docs" / "API.md").read_text(encoding="utf-8")


def _known_codes() -> set[str]:
    kinds: list[type[errors.AppError]] = [
        TooManyStreamsError,
        CredentialsRevokedError,
        StreamExpiredError,
        *STATUS_OF,
    ]
    for kind in STATUS_OF:
        kinds += kind.__subclasses__()
    at_the_gate = {WRONG_HOST, FORWARDED}
    return {kind.code for kind in kinds} | set(CODE_OF.values()) | at_the_gate | CODES


def test_every_type_of_problem_is_explained() -> None:
    """The table of errors has each code that the API may answer with, and no other."""
    table = GUIDE.split("| code | status |")[1].split("\n\n")[0]
    told = {
        code for row in table.splitlines()[2:] for code in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert told == _known_codes()
