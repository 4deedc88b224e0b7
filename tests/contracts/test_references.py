"""Text in the repository refers to nothing that a reader of the repository cannot find."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SUFFIXES = {".css", ".html", ".js", ".md", ".py", ".sh", ".sql", ".toml", ".ts", ".yaml", ".yml"}
NOT_OURS = {"__pycache__", "build", "dist", "node_modules"}
UNKNOWN = re.compile(
    r"\b[LF]\d{1,2}\b"  # a number in somebody's list
    r"|(?<!RFC \d{4} )§"  # a section of an unnamed document
    r"|\b(?:CONTRACT|EXPERIENCE|FAULTS|HOUSE|LESSONS|STYLE)\.md\b"
    r"|\bissues? \d+"
)
PUBLIC_ISSUES = ("docs/LANGUAGE_MODELS.md", "tests/model_servers/")
"""Where the issues of other, named projects stand as sources."""


def unknown_references(text: str, *, issues: bool = True) -> list[str]:
    """Return what the text refers to and nobody can look up."""
    found = UNKNOWN.findall(text)
    return found if issues else [name for name in found if not name.startswith("issue")]


def texts() -> Iterator[tuple[str, str]]:
    """Yield the path and text of every file of the repository that people write."""
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in NOT_OURS and not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if (path.suffix in SUFFIXES or name == "Makefile") and path != Path(__file__):
                yield path.relative_to(ROOT).as_posix(), path.read_text(errors="replace")


@pytest.mark.parametrize(
    "text",
    ["Never twice (L19).", "see the contract §8", "As HOUSE.md says", "F7, F12", "from issue 13"],
)
def test_unknown_reference_is_found(text: str) -> None:
    """Numbers of lists, sections and issues are found; RFCs and longer numbers are not."""
    assert unknown_references(text)
    assert not unknown_references("RFC 7518 §3.2, `FAULTS=all`, noqa: F401, HTML5, a tissue 13")


def test_every_reference_can_be_followed() -> None:
    """A reason stands where it is needed, as a sentence, not as a number in a missing list."""
    found = {
        path: unknown
        for path, text in texts()
        if (unknown := unknown_references(text, issues=not path.startswith(PUBLIC_ISSUES)))
    }
    assert not found, "say the reason itself instead of these references"
