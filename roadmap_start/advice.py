"""Says what takes the place of a package of ours, and what to do about it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from roadmap_start.records import owner_of

if TYPE_CHECKING:
    from roadmap_start.intruder import Intruder

_OWN: Final = (
    "roadmap-worker wants an environment of its own: `python3 -m venv FOLDER`, then "
    "`FOLDER/bin/pip install` its clone or its wheel"
)
"""It is on no package index: what is advised works with what its user has."""


def described(intruder: Intruder) -> str:
    """Return one sentence: whose file stands where ours should be, and what to do next."""
    name, ours, file = intruder
    if file is None:
        return (
            f"roadmap-worker stopped: its own {ours} is missing, as after another "
            f"distribution with such a name was uninstalled; install it anew: {_OWN}."
        )
    return (
        f"roadmap-worker stopped: where its own package '{name}' should be, Python finds {file}; "
        f"{_what_to_do(name, file)}."
    )


def _what_to_do(name: str, file: str) -> str:
    entry = _entry_of(name, file)
    if any(_same(entry, given) for given in _python_path()):
        return f"take {entry} out of PYTHONPATH, for {_OWN}"
    owner = owner_of(file)
    if owner is not None:
        return f"the distribution {owner} has put it there, but {_OWN}"
    if _same(entry, _here()):
        return (
            "start from another folder, or with `roadmap worker`, `roadmap beat`, `roadmap flower` "
            "and `roadmap api`, which do not look for packages in the working folder"
        )
    return f"take it away from there, for {_OWN}"


def _entry_of(name: str, file: str) -> str:
    """Return the folder on Python's path in which a top-level name was found."""
    folder = file
    while folder != os.path.dirname(folder):
        folder, last = os.path.dirname(folder), os.path.basename(folder)
        if last.partition(".")[0] == name:
            return folder
    return os.path.dirname(file)


def _python_path() -> list[str]:
    if sys.flags.ignore_environment:
        return []
    given = os.environ.get("PYTHONPATH", "")
    return [os.path.abspath(entry) for entry in given.split(os.pathsep) if entry]


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # the working folder was deleted
        return ""


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
