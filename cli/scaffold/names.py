"""Which names a new package may have."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from cli.exits import CommandError, ExitCode
from roadmap_start.own import OURS

if TYPE_CHECKING:
    from pathlib import Path

_NAME: Final = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_LONGEST: Final = 50
_TAKEN: Final = frozenset({*OURS, "roadmap", "roadmap_start", "roadmap_worker", "tests", "test"})


@dataclass(frozen=True, slots=True)
class Names:
    """What the new package is called, by its folder and pip, by Python, and as a workflow."""

    name: str

    @property
    def package(self) -> str:
        """Python's name."""
        return self.name.replace("-", "_")

    @property
    def workflow(self) -> str:
        """The name of its workflow."""
        return self.package


def checked(name: str, *, folder: Path) -> Names:
    """Return the names of a new package.

    Args:
        name: What it is to be called.
        folder: Where its folder is to be.

    Raises:
        CommandError: It cannot be called so; the message says why, and what would do.
    """
    names = Names(name)
    problem = _problem(names)
    if problem is not None:
        raise CommandError(problem, ExitCode.USAGE)
    place = folder / name
    if place.is_symlink() or place.exists():
        raise CommandError(
            f"{place} is there already; nothing was changed. Take another name, or move it away.",
            ExitCode.USAGE,
        )
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder; make it first.", ExitCode.USAGE)
    return names


def _problem(names: Names) -> str | None:
    name, package = names.name, names.package
    if not _NAME.fullmatch(name):
        close = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").lstrip("0123456789-")
        hint = f" `{close[:_LONGEST]}` would do." if close and close != name else ""
        return (
            f"{name!r} cannot be the name of a package: take small letters, digits and single"
            f" hyphens, a letter first.{hint}"
        )
    if len(name) > _LONGEST:
        return f"{name!r} is too long for a name; take {_LONGEST} characters or fewer."
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        return f"{name!r} is a word of Python itself; take another name, such as `my-{name}`."
    if package in _TAKEN:
        return f"{name!r} is a name of roadmap-worker's own; take another, such as `my-{name}`."
    if package in sys.stdlib_module_names or find_spec(package) is not None:
        return (
            f"There is a Python package {package!r} already, which yours would hide; take another"
            f" name, such as `my-{name}`."
        )
    return None
