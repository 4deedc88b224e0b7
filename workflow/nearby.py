"""Finds where a package's workflows are, for who has named the wrong place. It imports nothing."""

from __future__ import annotations

import ast
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_FILES: Final = 300
_MOST_BYTES: Final = 500_000
_MOST_NAMED: Final = 5
_LIKE: Final = 0.5


def did_you_mean(module: str, attribute: str) -> str:
    """Return a sentence on where the package's workflows are, the likeliest first.

    The package's files are read, and none of its code runs.

    Args:
        module: The one that was named.
        attribute: What was looked for in it.

    Returns:
        The sentence, with a space before it; nothing when no workflow is found.
    """
    package = module.partition(".")[0]
    found = list(workflows_below(package))
    if not found:
        return ""
    wanted = f"{module}:{attribute}"
    likely = get_close_matches(wanted, found, n=1, cutoff=_LIKE)
    same = [each for each in found if each.rpartition(":")[2] == attribute]
    if best := (same if len(same) == 1 else likely):
        return f" Did you mean {best[0]}?"
    more = len(found) - _MOST_NAMED
    told = ", ".join(found[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f" Workflows of {package!r}: {told}."


def workflows_below(package: str) -> Iterator[str]:
    """Return `module:attribute` of each workflow that a package's files assign to a name."""
    for module, file in _files(package):
        try:
            if file.stat().st_size > _MOST_BYTES:
                continue
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        for name in _assigned(tree):
            yield f"{module}:{name}"


def _files(package: str) -> Iterator[tuple[str, Path]]:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin and spec.origin.endswith(".py"):
            yield package, Path(spec.origin)
        return
    left = _MOST_FILES
    for folder in map(Path, spec.submodule_search_locations):
        for file in sorted(folder.rglob("*.py"), key=lambda each: (len(each.parts), each)):
            parts = (package, *file.relative_to(folder).with_suffix("").parts)
            if not all(part.isidentifier() for part in parts):
                continue
            left -= 1
            if left < 0:
                return
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def _assigned(tree: ast.Module) -> Iterator[str]:
    """Return the names that a module gives to what `Workflow(…)` makes."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=targets, value=ast.Call(func=called)):
                named = targets
            case ast.AnnAssign(target=target, value=ast.Call(func=called)):
                named = [target]
            case _:
                continue
        called_as = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if called_as == "Workflow":
            yield from (each.id for each in named if isinstance(each, ast.Name))
