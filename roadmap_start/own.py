"""Whose are the packages that Python finds under our names?"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.util import find_spec
from typing import Final, NoReturn

from roadmap_start.advice import described
from roadmap_start.intruder import Intruder
from roadmap_start.records import changed_file

OURS: Final = (
    "core",
    "roadmap_client",
    "db",
    "notifications",
    "llm",
    "watching",
    "workflow",
    "roadmaps",
    "worker",
    "tasks",
    "wiring",
    "api",
    "cli",
    "embedded",
    "roadmap_worker",
    "celeryconfig",
)
"""Every name that our distribution puts at the top level, but this package's own."""
_ROOT: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_CLIENT: Final = os.path.join(_ROOT, "clients", "python", "src")
FOLDERS: Final = (_ROOT, *([_CLIENT] if os.path.isdir(_CLIENT) else []))
"""Where our packages stand: beside this one; in our sources one of them elsewhere."""
_EXIT: Final = 2


@cache
def check() -> None:
    """Stop the program with one sentence when a package is not our own; looks once a process."""
    intruder = find_intruder()
    if intruder is not None:
        stop(intruder)


def stop(intruder: Intruder) -> NoReturn:
    """End the program with what stands in its way and what to do about it."""
    sys.stderr.write(described(intruder) + "\n")
    sys.exit(_EXIT)


def find_intruder() -> Intruder | None:
    """Return the first file that takes the place of one of ours."""
    for name in OURS:
        intruder = intruder_at(name)
        if intruder is not None:
            return intruder
    return changed_file(_ROOT, OURS)


def intruder_at(name: str) -> Intruder | None:
    """Return what Python finds under one of our names, if that is not ours."""
    found = _found(name)
    if found is not None and _is_ours(name, found):
        return None
    ours = os.path.join(_ROOT, name)
    if found is not None and _same(found, ours):  # only our folder is left of it
        found = None
    return Intruder(name=name, ours=ours, file=found)


def _found(name: str) -> str | None:
    """Return what is imported already, or would be: a file, or a folder without `__init__.py`."""
    module = sys.modules.get(name)
    if module is not None:
        file = getattr(module, "__file__", None)
        folders = getattr(module, "__path__", None)
    else:
        spec = find_spec(name)
        if spec is None:
            return None
        file = spec.origin if spec.has_location else None
        folders = spec.submodule_search_locations
    if file is None and folders is not None:
        return next(iter(folders), None)
    return file


def _is_ours(name: str, found: str) -> bool:
    folder = os.path.dirname(found)
    if name == "celeryconfig":  # the only one that is a file
        return _same(folder, _ROOT)
    return any(_same(folder, os.path.join(place, name)) for place in FOLDERS)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)  # one of them by a symbolic link
    except OSError:
        return False
