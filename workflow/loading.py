"""Finds the workflows that a setting names or a package brings; says plainly what is wrong."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from core.errors import SettingsError
from core.states import RESERVED
from workflow.authoring import Workflow, WorkflowError, definition
from workflow.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


GROUP: Final = "roadmap_worker.workflows"
"""The entry points by which installed packages bring workflows."""
_SETTING: Final = "ROADMAP_WORKFLOWS"


def load(names: Sequence[str]) -> list[Definition]:
    """Import workflows: those that are named, and those that installed packages bring.

    Args:
        names: `package.module:attribute` of each.

    Raises:
        SettingsError: One cannot be imported, is none, or contradicts itself; the message names it.
    """
    sources = dict.fromkeys(names, _SETTING) | _installed(but=names)
    found: list[Definition] = []
    for name, source in sources.items():
        each = _checked(name, _imported(name, source), source)
        if twin := next((other for other in found if other.name == each.name), None):
            if twin is each:
                continue  # a name of its own for the same one
            raise SettingsError(f"{source}: two workflows are called {each.name!r}.")
        found.append(each)
    return found


def _installed(*, but: Iterable[str]) -> dict[str, str]:
    """Return what installed packages bring that is not named already, each with its package."""
    known = set(but)
    found: dict[str, str] = {}
    for each in entry_points(group=GROUP):
        if each.value not in known:
            package = each.dist.name if each.dist else "unknown"
            found[each.value] = f"Entry point {each.name!r} of the package {package!r}"
    return found


def _imported(name: str, source: str) -> Any:
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise SettingsError(
            f"{source}: {name!r} must be like `mybook.flows:book`: a module, a colon,"
            " and the workflow's name in it."
        )
    try:
        loaded = importlib.import_module(module)
    except WorkflowError as error:
        raise SettingsError(f"{source}: {error.message}") from error
    except Exception as error:
        raise SettingsError(
            f"{source}: {module!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not hasattr(loaded, attribute):
        raise SettingsError(f"{source}: {module!r} has no {attribute!r}.")
    return getattr(loaded, attribute)


def _checked(name: str, found: Any, source: str) -> Definition:
    if isinstance(found, Workflow):
        try:
            found = definition(found)
        except WorkflowError as error:
            raise SettingsError(f"{source}: {error.message}") from error
    if not isinstance(found, Definition):
        raise SettingsError(f"{source}: {name!r} is no workflow but {type(found).__name__}.")
    for problem in _problems(found):
        raise SettingsError(f"{source}: the workflow of {name!r} {problem}.")
    return found


def _problems(found: Definition) -> Iterable[str]:
    stages = found.stages
    if not _NAME.fullmatch(found.name) or found.name == "roadmap":
        yield f"is called {found.name!r}; take small letters, digits and `_`, and not `roadmap`"
    if stages.workflow != found.name:
        yield f"is called {found.name!r}, its stages {stages.workflow!r}"
    if not stages.steps:
        yield "has no step"
    for step in stages.steps:
        if step in RESERVED or not _NAME.fullmatch(step):
            yield f"has a step {step!r}; this name is taken, or not of small letters and `_`"
        if (step in found.steps) == (step in found.parts):
            yield f"must say for the step {step!r} either what runs it or what makes its parts"
        if (step in found.parts) != stages.makes_parts(step):
            yield f"must say for the step {step!r} at what per cent its last part is done"
    if unknown := sorted({*found.steps, *found.parts} - {*stages.steps}):
        yield f"has steps that its stages do not name: {', '.join(unknown)}"
    if found.version not in found.known_versions:
        yield f"cannot go on with tasks of its own version {found.version}"
