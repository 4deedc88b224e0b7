"""Takes the tasks that a process is asked for at the same moment in one transaction.

A burst of deliveries would else be as many transactions of eight statements each, and each of them
would count all that runs. What is not plain — a task whose worker was lost, one of another version,
one whose row or user somebody else holds — is left out, and taken by itself; so are all of them
when one of them makes the transaction fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from core.errors import (
    InvalidRequestError,
    PlanError,
    TaskExpiredError,
    UnexpectedError,
    UnreadableRecordError,
    UpgradeError,
)
from core.gathering import Asked, Gathering
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.stages import can_run
from core.states import Status
from db.facts import Recorded
from db.ledger import lock_rows, write_facts
from db.raw import raw_transaction
from db.recorder import announce
from db.repositories.tasks import checkpoints_of
from db.repositories.turns import look_at_all
from db.repositories.user_locks import lock_users
from workflow.checkpoints import history_of
from workflow.claim import Claim, request_of, taken
from workflow.heartbeat import keeper
from workflow.registry import are_named, definition_of
from workflow.turns import DeferredError, bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.facts import Fact
    from db.ledger import TaskRow
    from db.raw import Raw
    from db.repositories.tasks import Stored

log = get_logger(__name__)

HOPELESS: Final = (
    *(TaskExpiredError, UnreadableRecordError, InvalidRequestError),
    *(PlanError, UpgradeError, UnexpectedError),
)
"""What every worker that takes the task would meet."""


class Apart:
    """The task has to be taken by itself."""


APART: Final = Apart()
Outcome: TypeAlias = "Claim | DeferredError | Apart"


@dataclass(frozen=True, slots=True)
class _Wish:
    """A task that a delivery would take."""

    task_id: UUID
    user_id: str
    worker: str


_Asked: TypeAlias = "Asked[_Wish, Outcome]"


class Claims:
    """One event loop's way to take tasks together."""

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self._gathering: Gathering[_Wish, Outcome] = Gathering(_take_all, unheard=_give_back)

    async def take(self, task_id: UUID, user_id: str, worker: str) -> Outcome:
        """Take a task, unless others come first.

        Args:
            task_id: The task.
            user_id: Whose it is; the caller is the only one who takes a task of this user now.
            worker: Who takes it.
        """
        return await self._gathering.ask(_Wish(task_id, user_id, worker))


_claims: Final[LoopLocal[Claims]] = LoopLocal(Claims)


def claims() -> Claims:
    """Return the running loop's."""
    return _claims.get()


def _give_back(outcome: Outcome) -> None:
    """Let somebody else have a task whose delivery was broken off in the same moment."""
    if isinstance(outcome, Claim):
        keeper().give_back(outcome)


async def _take_all(asked: Sequence[_Asked]) -> list[Outcome]:
    try:
        async with raw_transaction() as raw:
            outcomes, recorded = await _take(raw, asked)
    except Exception as error:  # noqa: BLE001 - each meets it again by itself, if it is its own
        log.warning("tasks_taken_apart", tasks=len(asked), error=type(error).__name__)
        return [APART] * len(asked)
    for each, fact in recorded:
        each.context.run(announce, fact)
    return outcomes


async def _take(
    raw: Raw, asked: Sequence[_Asked]
) -> tuple[list[Outcome], list[tuple[_Asked, Recorded]]]:
    """Take in a transaction what can be; return what became of each, and what to tell of it."""
    rows = await lock_rows(raw, [each.item.task_id for each in asked], skip_locked=True)
    plain = [each.item for each in asked if _is_plain(rows.get(each.item.task_id))]
    if not plain:
        return [APART] * len(asked), []
    free = await lock_users(raw, [wish.user_id for wish in plain])
    ours = [wish.task_id for wish, is_free in zip(plain, free, strict=True) if is_free]
    turns = await look_at_all(raw, ours, bounds=bounds(), one_after_other=True)
    begun = [task_id for task_id in ours if rows[task_id].started_at is not None]
    stored = await checkpoints_of(raw, begun) if begun else {}
    outcomes: dict[UUID, Outcome] = {}
    facts: list[tuple[_Asked, Fact]] = []
    for each in asked:
        task_id = each.item.task_id
        if (turn := turns.get(task_id)) is None:
            continue
        if turn.put_off:
            outcomes[task_id] = DeferredError()
        elif (made := _claimed(each, rows[task_id], stored)) is not None:
            outcomes[task_id] = made[0]
            facts.append((each, made[1]))
    written = await write_facts(raw, [fact for _, fact in facts], rows=rows)
    recorded = []
    for (each, _), outcome in zip(facts, written, strict=True):
        if isinstance(outcome, Recorded):
            recorded.append((each, outcome))
        else:
            del outcomes[each.item.task_id]
    return [outcomes.get(each.item.task_id, APART) for each in asked], recorded


def _is_plain(row: TaskRow | None) -> bool:
    """Tell whether a locked task is one like nearly all others."""
    if row is None or row.status not in {Status.PENDING, Status.PROCESSING}:
        return False
    if row.lease_until is not None or not can_run(row.workflow, row.workflow_version):
        return False
    definition = definition_of(row.workflow)
    return row.workflow_version == definition.version and are_named(definition)


def _claimed(
    asked: _Asked, row: TaskRow, stored: Mapping[UUID, list[Stored]]
) -> tuple[Claim, Fact] | None:
    """Return the claim and its fact, made in the caller's context; None where it is hopeless."""
    try:
        request = request_of(row, definition_of(row.workflow))
        history = history_of(stored.get(row.task_id, ()))
        return asked.context.run(taken, row, asked.item.worker, request, history)
    except HOPELESS:
        return None
