"""A task as a test looks at it: how it stands, what its steps gave, its parts, its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from core.states import Status, Step
from core.usage import Usage
from db.models import Part, RoadmapTask, TaskEvent
from db.repositories.tasks import checkpoints
from db.session import read_session, retrying
from workflow.registry import definition_of
from workflow.testing.typed import parts_of, typed_part, typed_result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from db.models import Checkpoint
    from workflow.definition import Definition
    from workflow.testing.author import Asked


USER: Final = "author"
"""Who asks, unless a test says."""


class SeenEvent(dict[str, Any]):
    """An event as programs get it; its fields are there as attributes, too: `event.type`."""

    def __getattr__(self, name: str) -> Any:
        """Return a field."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenPart:
    """The newest version of a part.

    Attributes:
        step: The step that makes it.
        key: Names it within the step.
        kind: Which of a key's parts.
        title: What people call it.
        status: `pending`, `running`, `completed` or `failed`.
        version: 1, and one more each time that it was made anew.
        value: What was made, in the shape of the function's annotation; None unless completed.
        error: `{"code", "message"}` of a failed one.
    """

    step: str
    key: str
    kind: str
    title: str
    status: str
    version: int
    value: Any = field(default=None, repr=False)
    error: Mapping[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        """Return a field of what was made."""
        if name.startswith("_") or self.value is None:
            raise AttributeError(name)
        return getattr(self.value, name)


class KeyParts(Mapping[str, SeenPart]):
    """The parts of one key, by kind; of a key with one part, that part's attributes as well."""

    def __init__(self, parts: Mapping[str, SeenPart]) -> None:
        """Take the parts, by kind."""
        self._parts = dict(parts)

    def __getitem__(self, kind: str) -> SeenPart:
        """Return the part of a kind."""
        return self._parts[kind]

    def __iter__(self) -> Iterator[str]:
        """Go over the kinds."""
        return iter(self._parts)

    def __len__(self) -> int:
        """Return how many kinds there are."""
        return len(self._parts)

    def __repr__(self) -> str:
        """Return all of them."""
        return repr(self._parts)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the only part."""
        if name.startswith("_"):
            raise AttributeError(name)
        if len(self._parts) != 1:
            kinds = ", ".join(self._parts)
            raise AttributeError(f"There are several kinds ({kinds}); name one: ['…'].{name}")
        return getattr(self.only, name)

    @property
    def only(self) -> SeenPart:
        """The part of a key that has one kind."""
        (part,) = self._parts.values()
        return part


class SeenParts(Mapping[str, Mapping[str, KeyParts]]):
    """All parts: `parts["chapter"]["intro"]["text"]`, or `parts["chapter", "intro", "text"]`."""

    def __init__(self, parts: Sequence[SeenPart]) -> None:
        """Take the parts in the order in which they are told."""
        self.all: tuple[SeenPart, ...] = tuple(parts)
        """In one row."""
        kinds: dict[str, dict[str, dict[str, SeenPart]]] = {}
        for part in parts:
            kinds.setdefault(part.step, {}).setdefault(part.key, {})[part.kind] = part
        self._steps = {
            step: {key: KeyParts(of_key) for key, of_key in keys.items()}
            for step, keys in kinds.items()
        }

    def __getitem__(self, name: str | tuple[str | None, ...]) -> Any:
        """Return the parts of a step by key, of a key by kind, or one part."""
        found: Any = self._steps
        for each in (name,) if isinstance(name, str) else name:
            found = found.only if each is None else found[each]
        return found

    def __iter__(self) -> Iterator[str]:
        """Go over the steps that make parts."""
        return iter(self._steps)

    def __len__(self) -> int:
        """Return how many steps made parts."""
        return len(self._steps)

    def __repr__(self) -> str:
        """Return which there are."""
        return f"SeenParts({len(self.all)}: {', '.join(f'{p.step}/{p.key}' for p in self.all)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenTask:
    """A task after a run.

    Attributes:
        task_id: Its id.
        workflow: The workflow's name.
        title: What people call it.
        status: As `status` of the API: `completed`, `partial_failure`, `failed`, ….
        current_step: Ditto.
        attempt: 1, and one more with each retry.
        error: `{"code", "message", "step"}` of a failed one.
        request: What was asked for, in the workflow's shape.
        results: What each finished step gave last, in the shape of its annotation, by step.
        parts: The newest version of each part: by step, key and kind.
        events: All events, in order.
        usage: Calls and tokens.
        asked: The model calls of this run.
        tracebacks: What the workflow's own code raised in this run, other than what says how a
            step or part failed.
    """

    task_id: UUID
    workflow: str
    title: str
    status: str
    current_step: str
    attempt: int
    error: Mapping[str, Any] | None
    request: Any = field(repr=False)
    results: Mapping[str, Any] = field(repr=False)
    parts: SeenParts
    events: tuple[SeenEvent, ...] = field(repr=False)
    usage: Usage = field(repr=False)
    asked: tuple[Asked, ...] = field(default=(), repr=False)
    tracebacks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return how it stands, and why: what a failed assertion shows."""
        failed = [f"{p.step}/{p.key}: {p.error}" for p in self.parts.all if p.error]
        why = [
            *([f"error={dict(self.error)}"] if self.error else []),
            *([f"failed parts={failed}"] if failed else []),
            *self.tracebacks,
        ]
        stands = f"{self.workflow} task {self.task_id}: {self.status}/{self.current_step}"
        return f"<{stands}{''.join(f'; {each}' for each in why)}>"

    @property
    def failed_contents(self) -> list[dict[str, Any]]:
        """The parts that failed, as the API tells them."""
        return [
            {"step": p.step, "key": p.key, "kind": p.kind, "title": p.title, **(p.error or {})}
            for p in self.failed
        ]

    @property
    def failed(self) -> tuple[SeenPart, ...]:
        """The parts that failed."""
        return tuple(part for part in self.parts.all if part.status == "failed")


async def seen_task(
    task_id: UUID, *, asked: Sequence[Asked] = (), tracebacks: Sequence[str] = ()
) -> SeenTask:
    """Read a task."""

    async def read() -> SeenTask:
        async with read_session() as session:
            row = (
                await session.scalars(select(RoadmapTask).where(RoadmapTask.task_id == task_id))
            ).one()
            done = await checkpoints(session, task_id)
            parts = (
                await session.scalars(
                    select(Part)
                    .where(Part.task_id == task_id, Part.hidden.is_(False))
                    .order_by(Part.content_id)
                )
            ).all()
            events = (
                await session.scalars(
                    select(TaskEvent.payload)
                    .where(TaskEvent.task_id == task_id)
                    .order_by(TaskEvent.seq)
                )
            ).all()
        definition = definition_of(row.workflow)
        seen = SeenParts([_part(definition, part) for part in _newest(parts)])
        return SeenTask(
            task_id=task_id,
            workflow=row.workflow,
            title=row.title or row.goal,
            status=str(Status(row.status)),
            current_step=row.current_step,
            attempt=row.attempt,
            error=row.error,
            request=definition.request.model_validate(row.request),
            results=_results(definition, done, seen),
            parts=seen,
            events=tuple(SeenEvent(each) for each in events),
            usage=Usage.of(row),
            asked=tuple(asked),
            tracebacks=tuple(tracebacks),
        )

    return await retrying(read)


def _newest(parts: Sequence[Part]) -> list[Part]:
    newest: dict[tuple[str, str, str], Part] = {}
    for part in parts:
        name = (part.step, part.key, part.kind)
        if name not in newest or newest[name].version < part.version:
            newest[name] = part
    return list(newest.values())


def _part(definition: Definition, part: Part) -> SeenPart:
    made = part.status == "completed" and part.body is not None
    return SeenPart(
        step=part.step,
        key=part.key,
        kind=part.kind,
        title=part.title,
        status=part.status,
        version=part.version,
        value=typed_part(definition, part.step, part.kind, part.body or {}) if made else None,
        error=part.error,
    )


def _results(definition: Definition, done: Sequence[Checkpoint], seen: SeenParts) -> dict[str, Any]:
    results = {
        each.step: typed_result(definition, each.step, each.output)
        for each in done
        if each.step != Step.HUMAN_REVIEW and each.step not in definition.parts
    }
    for step in definition.parts:
        parts = [part for part in seen.all if part.step == step]
        if parts:
            results[step] = parts_of(definition, step, parts)
    return results


async def status_of(task_id: UUID) -> Status:
    """Return how a task stands."""

    async def read() -> Status:
        async with read_session() as session:
            row = await session.get_one(RoadmapTask, task_id)
            return Status(row.status)

    return await retrying(read)
