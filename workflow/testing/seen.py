"""A task as a test looks at it: how it stands, what its steps gave, its parts, its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from core.usage import Usage
    from workflow.testing.author import Asked


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
