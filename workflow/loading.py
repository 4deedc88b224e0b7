"""Finds the workflows that a setting or an installed package names; says what is wrong with one."""

from __future__ import annotations

import importlib
import re
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from traceback import extract_tb
from typing import TYPE_CHECKING, Final

from core.errors import SettingsError
from core.states import RESERVED
from workflow.authoring import Workflow, WorkflowError, definition
from workflow.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GROUP: Final = "roadmap_worker.workflows"
"""The entry points by which installed packages bring workflows."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


def load(names: Iterable[str]) -> list[Definition]:
    """Import the workflows that a setting names, and those that installed packages bring.

    Args:
        names: `package.module:attribute` of each.

    Raises:
        SettingsError: One cannot be imported, is none, or contradicts itself; the message names it.
    """
    sources: list[tuple[str, Callable[[], object]]] = [
        (f"ROADMAP_WORKFLOWS: {name}", partial(_imported, name)) for name in names
    ]
    sources += [
        (f"{_distribution(point)} (entry point {point.name!r} of {GROUP})", point.load)
        for point in sorted(entry_points(group=GROUP), key=lambda each: each.name)
    ]
    found: dict[str, tuple[str, Definition]] = {}
    for where, bring in sources:
        each = as_definition(_brought(where, bring), where=where)
        there, other = found.setdefault(each.name, (where, each))
        if other is not each:
            raise SettingsError(
                f"{where}: there is another workflow called {each.name!r} already, of {there}."
            )
    return [each for _, each in found.values()]


def as_definition(found: object, *, where: str = "workflow") -> Definition:
    """Return the definition of a workflow, checked.

    Args:
        found: What was found.
        where: Where that was, for messages.

    Raises:
        SettingsError: It is none, or contradicts itself.
    """
    if isinstance(found, Workflow):
        try:
            found = definition(found)
        except WorkflowError as error:
            raise SettingsError(f"{where}: {error.message}") from error
    if not isinstance(found, Definition):
        raise SettingsError(
            f"{where}: it is no `Workflow`, but {type(found).__name__}. Name the object that"
            " `Workflow(...)` gave."
        )
    for problem in _problems(found):
        raise SettingsError(f"{where}: the workflow {problem}.")
    return found


def _brought(where: str, bring: Callable[[], object]) -> object:
    try:
        return bring()
    except SettingsError:
        raise
    except WorkflowError as error:
        raise SettingsError(f"{where}: {error.message}") from error
    except Exception as error:
        place = _last_line_of(error)
        raise SettingsError(
            f"{where}: it cannot be imported: {type(error).__name__}: {error}{place}"
        ) from error


def _imported(name: str) -> object:
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise SettingsError(
            f"ROADMAP_WORKFLOWS: {name!r} must be like `mybook.flows:book`: a module, a colon,"
            " and the workflow's name in it."
        )
    loaded = importlib.import_module(module)
    if not hasattr(loaded, attribute):
        raise SettingsError(f"ROADMAP_WORKFLOWS: {name}: {module!r} has no {attribute!r}.")
    return getattr(loaded, attribute)


def _distribution(point: EntryPoint) -> str:
    return "a package" if point.dist is None else str(point.dist.name)


def _last_line_of(error: Exception) -> str:
    """Return where an import failed, if that can be told."""
    frames = extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    if last is None or last.filename.startswith("<") or last.filename == importlib.__file__:
        return ""
    return f" ({last.filename}, line {last.lineno})"


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
