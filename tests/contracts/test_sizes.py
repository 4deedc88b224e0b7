"""A file has one idea: what grew beyond that is parted where a second idea begins."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
GENERATED: Final = {"clients/python/src/roadmap_client/models.py"}


def rooms() -> list[str]:
    """Return the packages that are shipped."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names: list[str] = project["tool"]["importlinter"]["root_packages"]
    return [*(name for name in names if (ROOT / name).is_dir()), "clients/python/src"]


@pytest.mark.parametrize(("folders", "most"), [(rooms(), 300), (["tests"], 400)])
def test_no_file_is_longer_than_one_idea(folders: list[str], most: int) -> None:
    """Shipped modules have 300 lines at the most, and tests 400."""
    found = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }
    assert len(found) > 100
    long = {path: lines for path, lines in found.items() if lines > most and path not in GENERATED}
    assert not long, "part each where a second idea begins, by a name of docs/GLOSSARY.md"
