"""Finds the workflows that a setting or an installed package names; says what is wrong with one."""

from __future__ import annotations

import importlib
import re
import sys
import threading
from contextlib import contextmanager
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

from core.authored import AuthoredError, call
from core.errors import SettingsError
from core.frames import raised_at, stands_at
from core.logging import get_logger
from core.states import RESERVED
from core.visible import cut
from workflow.authoring import Workflow, WorkflowError, definition
from workflow.definition import Definition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

log = get_logger(__name__)

GROUP: Final = "roadmap_worker.workflows"
"""The entry points by which installed packages bring workflows."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_SETTING: Final = "ROADMAP_WORKFLOWS"
_MOST_SAID: Final = 2000
SLOW_S: Final = 5.0
"""How long an import may take before it is told where it stands."""


def log_slow(message: str) -> None:
    """Tell the log of an import that takes long."""
    log.warning("workflow_import_is_slow", message=message)


def load(names: Iterable[str], *, slow: Callable[[str], None] = log_slow) -> list[Definition]:
    """Import the workflows that a setting names, and those that installed packages bring.

    Args:
        names: `package.module:attribute` of each.
        slow: Told, from a thread of its own, of an import that takes long, and where it stands.

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
        with _watched(where, slow):
            brought = _brought(where, bring)
        each = as_definition(brought, where=where)
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
            f"{where}: it is no `Workflow`, but {_kind_of(found)}. Name the object that"
            f" `Workflow(...)` gave.{_hint(where)}"
        )
    for problem in _problems(found):
        raise SettingsError(f"{where}: the workflow {problem}.")
    return found


@contextmanager
def _watched(where: str, slow: Callable[[str], None]) -> Iterator[None]:
    """Tell of what takes long in this thread, once, while it does."""
    importing = threading.get_ident()

    def tell() -> None:
        frame = sys._current_frames().get(importing)  # noqa: SLF001 - its only name
        at = f"; it stands in {stands_at(frame)}" if frame else ""
        slow(f"{where}: it is still being imported after {SLOW_S:g} s{at}")

    timer = threading.Timer(SLOW_S, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _brought(where: str, bring: Callable[[], object]) -> object:
    try:
        return bring()
    except SettingsError:
        raise
    except WorkflowError as error:
        raise SettingsError(f"{where}: {error.message}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        at = f" ({line})" if (line := raised_at(error)) else ""
        raise SettingsError(
            f"{where}: it cannot be imported: {type(error).__name__}: {_words_of(error)}{at}"
        ) from error


def _words_of(error: BaseException) -> str:
    """Return what an error says, not endless; even that may fail, as it is the author's code."""
    try:
        return cut(call(str, error), _MOST_SAID)
    except AuthoredError as failure:
        return f"its `__str__` raised {failure.kind}"


def _imported(name: str) -> object:
    module, colon, attribute = (each.strip() for each in name.partition(":"))
    if not colon or not _MODULE.fullmatch(module) or not attribute.isidentifier():
        raise SettingsError(
            f"{_SETTING}: {name!r} must be like `mybook.flows:book`: a module, a colon, and the"
            f" workflow's name in it; a comma before the next one.{_hint(name)}"
        )
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and imports another one that is not
        if (path := module.removesuffix(".py")) != module and error.name == module:
            raise SettingsError(
                f"{_SETTING}: {name!r} names a file; a module's name is wanted, without `.py`:"
                f" `{path}:{attribute}`."
            ) from error
        raise SettingsError(
            f"{_SETTING}: {name}: there is no module {error.name!r}."
            f"{_nearby(module, attribute) or _where_to_put(error.name)}"
        ) from error
    if not hasattr(loaded, attribute):
        raise SettingsError(
            f"{_SETTING}: {name}: {module!r} has no {attribute!r}.{_nearby(module, attribute)}"
        )
    return getattr(loaded, attribute)


def _nearby(module: str, attribute: str) -> str:
    from workflow.nearby import did_you_mean  # late: most name the right place

    return did_you_mean(module, attribute)


def _where_to_put(module: str) -> str:
    """Return what lets Python find a module, or a part of a package."""
    package, dot, _ = module.partition(".")
    if dot:
        return f" The package {package!r} is there; look into it for the module's name."
    return (
        f" Install its package where {sys.executable} finds it (`pip install`), or put the folder"
        f" that holds {package!r} on PYTHONPATH."
    )


def _hint(where: str) -> str:
    """Return where the workflows of the package are that something names, if it names one."""
    module, _, attribute = where.removeprefix(f"{_SETTING}: ").strip().partition(":")
    dotted = module.removesuffix(".py").strip("./\\").replace("/", ".").replace("\\", ".")
    names = dotted.split(".") if _MODULE.fullmatch(dotted) else []
    # of a file's path, the module's name is the end
    ways = (_nearby(".".join(names[first:]), attribute) for first in range(len(names)))
    return next(filter(None, ways), "")


def _kind_of(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"


def _distribution(point: EntryPoint) -> str:
    return "a package" if point.dist is None else str(point.dist.name)


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
