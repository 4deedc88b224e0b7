"""A review of a step that makes parts: what is shown of them, and what edits of them become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import InvalidRequestError
from core.ids import new_id
from core.states import ContentStatus, Decision, Step
from db.facts import NOW, Insert, RowWrite
from db.repositories.parts import newest_parts
from workflow.parts import PARTS
from workflow.shape import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.models import Part
    from workflow.authoring.declared import DeclaredStep
    from workflow.history import Done

_PART = "__part__"
"""Where the schema of one part stands among the definitions."""


class PartsUnderReview:
    """The parts of a step that are there, as a human is shown them and may replace them."""

    def __init__(self, step: DeclaredStep, parts: Sequence[Part]) -> None:
        """Take the parts in order."""
        self._step = step
        self._kinds = step.listing.kinds if step.listing else ()
        self._parts = parts

    @classmethod
    async def read(
        cls, session: AsyncSession, task_id: UUID, step: DeclaredStep
    ) -> PartsUnderReview:
        """Read the parts, in the order of their list."""
        parts = await newest_parts(session, task_id, step=step.name, bodies=True)
        return cls(step, [part for part in parts if part.status == ContentStatus.COMPLETED])

    @property
    def value(self) -> dict[str, Any]:
        """What is there, by key, and by kind where the step declares kinds."""
        shown: dict[str, Any] = {}
        for part in self._parts:
            value = (part.body or {}).get("value")
            if self._kinds:
                shown.setdefault(part.key, {})[part.kind] = value
            else:
                shown[part.key] = value
        return shown

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of that: each part by its name, all of them of one shape."""
        one = dict(self._step.codec.schema)
        definitions = one.pop("$defs", {})
        properties: dict[str, Any] = {}
        for part in self._parts:
            each = {"title": part.title, "$ref": f"#/$defs/{_PART}"}
            if self._kinds:
                group = properties.setdefault(
                    part.key,
                    {"title": part.title, **_object({})},
                )
                group["properties"][part.kind] = each | {"title": in_words(part.kind)}
            else:
                properties[part.key] = each
        return {
            "title": in_words(self._step.name),
            **_object(properties),
            "$defs": {**definitions, _PART: one},
        }

    def replaced(self, value: Any) -> tuple[RowWrite, ...]:
        """Return the new versions that a reviewer's own values make; what is left out stays.

        Raises:
            InvalidRequestError: A value is of no part that is there, or does not fit its shape.
        """
        given = _flat(value, by_kind=bool(self._kinds))
        writes: list[RowWrite] = []
        for part in self._parts:
            name: tuple[str, ...] = (part.key, part.kind) if self._kinds else (part.key,)
            if name not in given:
                continue
            body = self._step.codec.edited(given.pop(name), at=".".join(("value", *name)))
            if body != part.body:
                writes.append(_next_version(part, body))
        for name in given:
            at = ".".join(("value", *name))
            said = "is no part that is there"
            raise InvalidRequestError(
                f"The value is not valid: {at} {said}; leave it out, or reject with `feedback`.",
                fields=[(at, said, "unknown_part")],
            )
        return tuple(writes)


def rejections(history: Sequence[Done], step: str) -> int:
    """Return how often a human rejected what a step made."""
    return sum(
        done.step == Step.HUMAN_REVIEW
        and done.output.get("of") == step
        and done.output.get("decision") == Decision.REJECT
        for done in history
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _flat(value: Any, *, by_kind: bool) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, Mapping):
        raise _no_mapping("value")
    if not by_kind:
        return {(str(key),): each for key, each in value.items()}
    flat: dict[tuple[str, ...], Any] = {}
    for key, kinds in value.items():
        if not isinstance(kinds, Mapping):
            raise _no_mapping(f"value.{key}")
        flat |= {(str(key), str(kind)): each for kind, each in kinds.items()}
    return flat


def _no_mapping(at: str) -> InvalidRequestError:
    said = "must be an object with the parts by name"
    return InvalidRequestError(f"The value is not valid: {at} {said}.", fields=[(at, said, "type")])


def _next_version(part: Part, body: dict[str, Any]) -> RowWrite:
    values = {
        "content_id": new_id(),
        "task_id": part.task_id,
        "step": part.step,
        "key": part.key,
        "title": part.title,
        "position": part.position,
        "kind": part.kind,
        "version": part.version + 1,
        "status": str(ContentStatus.COMPLETED),
        "input_digest": part.input_digest,
        "started_at": NOW,
        "finished_at": NOW,
        "body": body,
    }
    return Insert(PARTS, values)
