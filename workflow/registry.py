"""The workflows that this process knows, by name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from core import stages
from core.errors import UnknownWorkflowError
from core.gathering import Gathering
from core.loop_local import LoopLocal
from db.repositories.tasks import keep_steps
from db.session import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from core.gathering import Asked
    from db.session import Transaction
    from workflow.definition import Definition

_known: Final[dict[str, Definition]] = {}
_named: Final[set[tuple[str, tuple[str, ...]]]] = set()
"""Workflows and their steps, whose names this process has seen committed."""


def register(definition: Definition) -> None:
    """Make a workflow known in this process."""
    _known[definition.name] = definition
    stages.register(definition.stages, versions=definition.known_versions)


@contextmanager
def known_for_now(definitions: Iterable[Definition]) -> Iterator[None]:
    """Make workflows known in this process within the block, in place of others of their names."""
    before: dict[str, Definition | None] = {}
    for each in definitions:
        before[each.name] = _known.get(each.name)
        register(each)
    try:
        yield
    finally:
        for name, earlier in before.items():
            if earlier is None:
                del _known[name]
                stages.forget(name)
            else:
                register(earlier)


def definition_of(name: str) -> Definition:
    """Return a workflow.

    Raises:
        UnknownWorkflowError: This process does not know it.
    """
    try:
        return _known[name]
    except KeyError:
        raise UnknownWorkflowError(
            f"There is no workflow {name!r} here; there are {', '.join(sorted(_known))}."
        ) from None


async def name_steps(tx: Transaction, definition: Definition) -> None:
    """Let tasks stand at the steps of a workflow, once in this process."""
    if not are_named(definition):
        named = _name_of(definition)
        await keep_steps(tx.session, *named)
        tx.on_commit(lambda: _named.add(named))


async def see_named(definition: Definition) -> None:
    """Do the same in a transaction of its own, one for all who ask at the same moment.

    A worker that has just started may be asked for hundreds of tasks, which can only be taken
    together once this is done.
    """
    if are_named(definition):
        return
    await _naming.get().ask(definition)


async def _name_all(asked: Sequence[Asked[Definition, None]]) -> list[None]:
    async with transaction() as tx:
        for definition in {each.item.name: each.item for each in asked}.values():
            await name_steps(tx, definition)
    return [None] * len(asked)


_naming: Final[LoopLocal[Gathering[Definition, None]]] = LoopLocal(lambda: Gathering(_name_all))


def are_named(definition: Definition) -> bool:
    """Tell whether tasks may stand at the steps of a workflow, as this process has seen."""
    return _name_of(definition) in _named


def _name_of(definition: Definition) -> tuple[str, tuple[str, ...]]:
    return definition.name, tuple(definition.stages.steps)


def can_be_asked_for(name: object) -> bool:
    """Tell whether new tasks of a workflow can be taken here."""
    return isinstance(name, str) and name in _known


def definitions() -> tuple[Definition, ...]:
    """Return all workflows that are known here."""
    return tuple(_known.values())
