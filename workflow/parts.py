"""Which parts a step needs, which of them it has, and what is left to be made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from core.ids import new_id
from core.states import ContentStatus
from core.usage import NOTHING, Usage
from db.facts import Insert, RowWrite, Update
from db.models import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Table

PARTS: Final = cast("Table", Part.__table__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A part that there should be.

    Attributes:
        key: Names it within its step.
        title: What people call it.
        kind: Which of a key's parts it is.
        digest: Names all that it is made from; a finished part with the same one is not made again.
        inputs: What it is made from, for the workflow's own code.
        columns: Further columns of its row.
    """

    key: str
    title: str
    kind: str
    digest: str
    inputs: Any
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One part to make: its row, and what it is made from."""

    content_id: UUID
    step: str
    version: int
    need: Need
    spent: Usage = NOTHING
    """In vain, by earlier attempts at this version."""
    feedback: str | None = None
    """What whoever had it made anew wants to be different."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is to be done for a step's parts."""

    wanted: tuple[Wanted, ...]
    rows: tuple[RowWrite, ...]
    """New and changed rows, so that what is to be done can be seen before it is done."""
    completed: int
    failed: int
    total: int
    failed_elsewhere: int = 0
    """Parts of the task's other steps."""
    incomplete: frozenset[str] = frozenset()
    """Keys with a part that failed before and is not tried again now."""


def work_left(task_id: UUID, step: str, needs: Sequence[Need], newest: Iterable[Part]) -> Work:
    """Compare what a step needs with what is there, the hidden parts included.

    A completed part whose inputs are the same is never made again, whatever changed elsewhere; one
    whose inputs changed gets a new version. A failed one stays failed: only a retry makes it
    pending again. Parts that are not needed any more are hidden, and shown again when they are.
    """
    newest = tuple(newest)
    have = {(part.key, part.kind): part for part in newest if part.step == step}
    wanted: list[Wanted] = []
    rows: list[RowWrite] = []
    incomplete: set[str] = set()
    completed = total = 0
    for need, part, position in _in_order(needs, have):
        total += 1
        if part is not None and (part.hidden or part.position != position):
            rows.append(stands(part, hidden=False, position=position))
        same = part is not None and part.input_digest == need.digest
        if part is not None and same and part.status == ContentStatus.COMPLETED:
            completed += 1
            continue
        if part is not None and same and part.status == ContentStatus.FAILED:
            incomplete.add(need.key)
            continue
        want, writes = _want(task_id, step, need, part, position=position)
        wanted.append(want)
        rows += writes
    rows += [stands(part, hidden=True) for part in have.values() if not part.hidden]
    failed = total - completed - len(wanted)
    return Work(
        wanted=tuple(wanted),
        rows=tuple(rows),
        completed=completed,
        failed=failed,
        failed_elsewhere=sum(
            part.step != step and not part.hidden and part.status == ContentStatus.FAILED
            for part in newest
        ),
        total=total,
        incomplete=frozenset(incomplete),
    )


def _in_order(
    needs: Sequence[Need], have: dict[tuple[str, str], Part]
) -> Iterator[tuple[Need, Part | None, int]]:
    """Yield what there should be in the list's order, with its newest part and its position.

    Positions only rise. A part keeps its own while that fits, so that an entry taken out of a list
    changes no other row. What the list has is taken out of `have`.
    """
    begun = {key for key, _ in have}
    position = -1
    for need in needs:
        part = have.pop((need.key, need.kind), None)
        if part is None and need.key in begun:
            continue  # this kind is younger than the key's parts: it is made when asked for
        position = max(position + 1, part.position if part else 0)
        yield need, part, position


def _want(
    task_id: UUID, step: str, need: Need, part: Part | None, *, position: int
) -> tuple[Wanted, list[RowWrite]]:
    new = part is None or part.status == ContentStatus.COMPLETED
    content_id = new_id() if part is None or new else part.content_id
    version = 1 if part is None else part.version + new
    want = Wanted(
        content_id=content_id,
        step=step,
        version=version,
        need=need,
        spent=NOTHING if part is None or new else Usage.of(part),
        feedback=None if part is None or new else part.instruction,
    )
    if new:
        values = {
            "content_id": content_id,
            "task_id": task_id,
            "step": step,
            "key": need.key,
            "title": need.title,
            "position": position,
            "kind": need.kind,
            "version": version,
            "status": str(ContentStatus.PENDING),
            "input_digest": need.digest,
            "started_at": None,  # as those have that begin at once: rows of one shape
            **need.columns,
        }
        return want, [Insert(PARTS, values)]
    if part is not None and (
        part.status != ContentStatus.PENDING or part.input_digest != need.digest
    ):
        return want, [pending_again(content_id, need.digest)]
    return want, []


def pending_again(content_id: UUID, made_from: str, **more: Any) -> RowWrite:
    """Return what makes an unfinished part wait for its turn anew.

    Args:
        content_id: The part.
        made_from: The digest of what it is to be made from.
        more: Further columns to change.
    """
    return Update(
        PARTS,
        {"content_id": content_id},
        {"status": str(ContentStatus.PENDING), "input_digest": made_from, "error": None, **more},
    )


def stands(part: Part, **changes: Any) -> RowWrite:
    """Return what hides, shows or moves all versions of a part."""
    where = {"task_id": part.task_id, "step": part.step, "key": part.key, "kind": part.kind}
    return Update(PARTS, where, changes)
