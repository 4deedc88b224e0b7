"""What a fact does to its task's row: whether it may, what the row is after it, what is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from core.errors import IllegalTransitionError, LeaseLostError
from core.stages import stages_of
from core.states import TERMINAL, Status, Step, can_move
from core.usage import COLUMNS as USAGE_COLUMNS
from core.usage import NOTHING
from db.facts import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.facts import EventDraft, Fact
    from db.ledger import TaskRow

COUNTED: Final = (
    *("losses", "last_seq", "done", "percent", "failures", "step_ended"),
    *USAGE_COLUMNS,
)
"""What facts change that only tell how far a step is: nearly all are such."""
LOOKED_AT: Final = ("status", "current_step", "epoch", "lease_owner", "total")
"""What they look at beside that."""


def only_counts(fact: Fact) -> bool:
    """Tell whether a fact of the worker that has the task changes nothing but `COUNTED`."""
    return (
        fact.epoch is not None
        and fact.status is None
        and fact.step is None
        and fact.total is None
        and not fact.begins
        and fact.rings is None
        and fact.creates is None
        and not fact.changes
    )


def check(row: TaskRow, fact: Fact) -> None:
    """See that a fact may be written.

    Raises:
        LeaseLostError: Another worker has the task by now, or none.
        IllegalTransitionError: The task cannot go there from where it is.
    """
    values = row.values
    if fact.epoch is not None and (
        fact.epoch != values["epoch"]
        or values["status"] != Status.PROCESSING
        or values["lease_owner"] is None
    ):
        raise LeaseLostError(
            f"Task {fact.task_id} is held under epoch {row.epoch} ({row.status}),"
            f" not {fact.epoch}.",
        )
    if fact.status is None and fact.step is None:
        return  # it stays where the database has let it be
    before, current = Status(values["status"]), values["current_step"]
    after = fact.status or before
    step = fact.step or current
    moved = fact.status is not None and not can_move(before, after)
    if moved or not stages_of(values["workflow"]).is_legal(after, step):
        raise IllegalTransitionError(
            f"Task {fact.task_id} cannot go from {before}/{current} to {after}/{step}."
        )


def count(row: TaskRow, fact: Fact) -> None:
    """Change a row whose task stays where it is."""
    values = row.values
    _add(values, fact)
    if fact.done:
        now_at = stages_of(values["workflow"]).percent(
            Status.PROCESSING, values["current_step"], done=values["done"], total=values["total"]
        )
        values["percent"] = max(values["percent"], now_at)


def _add(values: dict[str, Any], fact: Fact) -> None:
    """Add up what ended, and what it cost."""
    values["done"] = max(0, values["done"] + fact.done)
    values["failures"] = max(0, values["failures"] + fact.failed)
    values["step_ended"] = max(0, values["step_ended"] + fact.done + fact.failed)
    if fact.usage is not NOTHING:
        fact.usage.add_to(values)
    if fact.progressed:
        values["losses"] = 0


def move(row: TaskRow, fact: Fact) -> None:
    """Change a row by a fact that may change any of it."""
    values = row.values
    new_attempt = fact.changes.get("attempt", values["attempt"]) != values["attempt"]
    values.update({n: row.now if value is NOW else value for n, value in fact.changes.items()})
    status = Status(fact.status or values["status"])
    step = str(fact.step or values["current_step"])
    values["status"], values["current_step"] = str(status), str(step)
    if fact.total is not None:
        values["total"], values["done"] = fact.total, fact.reset_done
        values["failures"] = fact.reset_failed
    _add(values, fact)
    if fact.begins:
        values["step_began_at"], values["step_ended"] = row.now, 0
    if fact.rings is not None:
        values["rung_at"], values["deferred_at"] = row.now, None
    stages, counted = stages_of(row.workflow), {"done": values["done"], "total": values["total"]}
    if new_attempt and step == Step.RESUMING:  # a retry starts from what is done already
        now_at = stages.retried_percent(**counted)
    else:
        now_at = stages.percent(status, step, **counted)
    values["percent"] = now_at if new_attempt else max(values["percent"], now_at)
    if status in TERMINAL:
        values["finished_at"] = values["finished_at"] or row.now
    else:
        values["finished_at"] = None
        values["error"] = None
    if status is not Status.PROCESSING:
        values["lease_owner"] = values["lease_until"] = None


def payloads_of(row: TaskRow, drafts: Sequence[EventDraft]) -> tuple[dict[str, Any], ...]:
    """Return the events of a fact, once its row is changed."""
    values, told = row.values, []
    if not row.at:
        row.named, row.at = str(values["task_id"]), timestamp(row.now)
    task_id, at = row.named, row.at
    for draft in drafts:
        values["last_seq"] += 1
        told.append(
            {
                "seq": values["last_seq"],
                "task_id": task_id,
                "type": str(draft.type),
                "at": at,
                "status": values["status"],
                "current_step": values["current_step"],
                "message": draft.message,
                "progress": {
                    "done": values["done"],
                    "total": values["total"],
                    "percent": values["percent"],
                },
                "data": dict(draft.data),
            }
        )
    return tuple(told)


def timestamp(moment: datetime) -> str:
    """Return a time as events and the API show it: UTC, milliseconds, `Z`."""
    if moment.tzinfo is not UTC:  # the driver's are
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
