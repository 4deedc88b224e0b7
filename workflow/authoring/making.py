"""A step with parts, made of an author's function and of what says which parts there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from core.authored import plainly
from core.digest import digest
from core.errors import InvalidPartError
from workflow.authoring.errors import ResultError
from workflow.authoring.results import Results
from workflow.authoring.reviewing import rejections
from workflow.context import Context
from workflow.limits import check_key, few
from workflow.parts import Need
from workflow.step import PartsStep, Written
from workflow.threads import call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from workflow.asking import Asking
    from workflow.authoring.compiled import Compiled
    from workflow.authoring.declared import DeclaredStep, Listing
    from workflow.parts import Wanted
    from workflow.step import StepContext

_plain: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one part is made from, and what all parts of the step share."""

    item: Any
    results: Results


class AuthoredParts(PartsStep):
    """Makes the parts that an author's list names, by the author's function."""

    needs = 0.0
    """What a later step needs, it says itself."""

    def __init__(self, compiled: Compiled, step: DeclaredStep) -> None:
        """Take what was declared."""
        if step.listing is None:
            raise ValueError(step.name)
        self._compiled = compiled
        self._step = step
        self._listing: Listing = step.listing

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of parts that a key may have."""
        return self._listing.kinds or (self._step.name,)

    @property
    def by_kind(self) -> bool:
        """What a key has is told by kind, even if only one is declared."""
        return bool(self._listing.kinds)

    async def list(self, context: StepContext) -> Sequence[Need]:
        """Return all parts that there should be."""
        results = Results(self._compiled, context)
        items = await self._items(results)
        rejected = rejections(context.history, self._step.name)
        needs = []
        for key, item in items.items():
            inputs = Inputs(item, results)
            needs += [
                Need(
                    key=key,
                    title=self._title(item, key),
                    kind=kind,
                    digest=self._digest(item, kind, rejected=rejected),
                    inputs=inputs,
                )
                for kind in self.kinds
            ]
        return needs

    async def make(self, task_id: UUID, want: Wanted, asking: Asking) -> Written:  # noqa: ARG002
        """Call the author's function for one part."""
        need, inputs = want.need, want.need.inputs
        arguments = await inputs.results.arguments(
            self._step.signature,
            step=self._step.name,
            ctx=Context(asking),
            part=inputs.item,
            kind=self._listing.declared_kind(need.kind),
            feedback=want.feedback or inputs.results.feedback(self._step.name),
        )
        value = await call(self._step.signature.function, arguments)
        return Written(self._step.codec.stored(value, what=f"The {need.kind} of {need.title!r}"))

    async def _items(self, results: Results) -> dict[str, Any]:
        arguments = await results.arguments(self._listing.of, step=self._step.name)
        listed = self._listing.of.function(**arguments)
        if isinstance(listed, str | bytes | Mapping) or not hasattr(listed, "__iter__"):
            raise ResultError(
                f"`of` of the step {self._step.name!r} must return a list of parts, not"
                f" {type(listed).__name__}."
            )
        items: dict[str, Any] = {}
        for item in few(listed, self._step.name):
            key = self._key(item)
            if key in items:
                raise InvalidPartError(
                    f"The step {self._step.name!r} has two parts with the key {key!r}; each needs"
                    " a key of its own."
                )
            items[key] = item
        return items

    def _key(self, item: Any) -> str:
        found = plainly(self._told_by(self._listing.key, item, "key"))
        if not isinstance(found, str | int):
            raise InvalidPartError(
                f"A part of the step {self._step.name!r} has the key {str(found)[:60]!r}; it must"
                " be text, or a whole number."
            )
        check_key(key := str(found), self._step.name)
        return key

    def _title(self, item: Any, key: str) -> str:
        if self._listing.title is None:
            return key
        found = plainly(self._told_by(self._listing.title, item, "title"))
        return str(found or "").strip() or key

    def _told_by(self, field: str | Callable[[Any], Any] | None, item: Any, what: str) -> Any:
        if field is None:
            return item
        if not isinstance(field, str):
            return field(item)
        try:
            return field_of(item, field)
        except LookupError:
            raise ResultError(
                f"A part of the step {self._step.name!r} has no field {field!r}, which is to be"
                f" its {what}."
            ) from None

    def _digest(self, item: Any, kind: str, *, rejected: int) -> str:
        listing = self._listing
        made_from = (
            {name: self._told_by(name, item, "source") for name in listing.made_from}
            if listing.made_from is not None
            else item
        )
        try:
            told = _plain.dump_python(made_from, mode="json")
            again = [rejected] if rejected else []  # all are made anew after each rejection
            return digest([self._step.name, kind, listing.version, told, *again])
        except (ValueError, TypeError) as error:
            raise ResultError(
                f"A part of the step {self._step.name!r} holds what cannot be stored as JSON:"
                f" {error}."
            ) from None


def field_of(item: Any, name: str) -> Any:
    """Return a field of an object or a dictionary.

    Raises:
        LookupError: It has none of that name.
    """
    if isinstance(item, Mapping):
        return item[name]
    try:
        return getattr(item, name)
    except AttributeError:
        raise LookupError(name) from None
