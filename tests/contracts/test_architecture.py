"""What the pages for developers name is there, and the rooms are those of the checks."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ("docs/ARCHITECTURE.md", "CONTRIBUTING.md", "docs/GLOSSARY.md")
_CODE: Final = re.compile(r"`([^`\n]+)`")
_FILE: Final = re.compile(
    r"(?P<path>(?:[\w.-]+/)*(?:[\w.-]+\.(?:css|js|json|md|mjs|py|toml|ts|yml)|(?<=/)))"
    r"(?::(?P<name>\w+(?:\.\w+)*))?"
)


def named(page: str) -> Iterator[tuple[str, str | None]]:
    """Yield each file or folder that a page names, with the function or class named in it.

    A name without a folder is one of the folder that was named before it in the same line.
    """
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        folder = ""
        for code in _CODE.findall(line):
            found = _FILE.fullmatch(code)
            if found is None or not found["path"]:
                continue
            path = found["path"]
            if not (ROOT / path).exists() and (ROOT / folder / path).exists():
                path = folder + path
            elif "/" in path:
                folder = path[: path.rstrip("/").rfind("/") + 1] if path[-1] != "/" else path
            yield path, found["name"]


def defined(tree: ast.AST, name: str) -> bool:
    """Tell whether a module has a class, function or method of this name, as in `Class.method`."""
    first, _, rest = name.partition(".")
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.iter_child_nodes(tree) if isinstance(node, kinds)]
    return any(node.name == first and (not rest or defined(node, rest)) for node in found)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_exists(page: str) -> None:
    """Files, folders, functions and classes that the page names are in the repository."""
    missing = []
    for path, name in named(page):
        file = ROOT / path
        if not file.exists():
            missing.append(path)
        elif name and not defined(ast.parse(file.read_text(encoding="utf-8")), name):
            missing.append(f"{path}:{name}")
    assert not missing, "name what is there now"


def test_names_are_found_in_text() -> None:
    """The pages name dozens of files and functions, and a wrong one would be seen."""
    found = list(named(PAGES[0]))
    assert len(found) > 100
    assert ("workflow/accepting.py", "create_task") in found
    assert ("db/ledger.py", None) in found
    tree = ast.parse((ROOT / "db/ledger.py").read_text(encoding="utf-8"))
    assert defined(tree, "TaskRow.leased")
    assert not defined(tree, "TaskRow.nothing")


def test_picture_shows_the_layers_that_are_checked() -> None:
    """The rooms stand in the picture as in the contract of the layers, from top to bottom."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    picture = (ROOT / PAGES[0]).read_text(encoding="utf-8").split("```\n")[1]
    assert [re.split(r"\s{2,}", line)[0] for line in picture.splitlines()] == layers


def test_every_package_has_a_row() -> None:
    """The table of rooms tells of each package of the layers."""
    page = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    table = page.split("| room |")[1].split("\n\n")[0]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    packages -= {"bench", "chaos", "docs"}
    assert {name for name in packages if f"`{name}/`" not in table} == set()
