"""The guide for integrators says all of it; its snippets run in tests/e2e/test_api_guide.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.__main__ import _arguments
from api.gate import FORWARDED, WRONG_HOST
from api.problems import CODE_OF, STATUS_OF
from api.refusals import CODES
from api.registry import TooManyStreamsError
from core.settings import load_settings
from watching.viewer import CredentialsRevokedError, StreamExpiredError

if TYPE_CHECKING:
    from core import errors

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "API.md").read_text(encoding="utf-8")


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


def test_operators_are_told_the_options_that_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `roadmap api` takes is what OPERATIONS.md says that it takes."""
    monkeypatch.setattr("sys.argv", ["roadmap", "--help"])
    with pytest.raises(SystemExit):
        _arguments(load_settings())
    takes = set(re.findall("--[a-z-]+", capsys.readouterr().out.split("options:")[1])) - {"--help"}
    text = (DOCS / "OPERATIONS.md").read_text(encoding="utf-8")
    told = re.findall("`roadmap api` takes ([^;]+?), and is one process", text)
    assert [set(re.findall("--[a-z-]+", each)) for each in told] == [takes]
