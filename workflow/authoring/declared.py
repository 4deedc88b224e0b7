"""What an author has declared: steps, steps with parts, reviews. Data, and nothing that runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.choices import ReviewExpiry
    from workflow.authoring.codec import Codec
    from workflow.authoring.signature import Reader, Signature
    from workflow.step import StepOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """Which parts a step makes.

    Attributes:
        of: Takes results by name and returns the list.
        key: The field that names a part, or a function of it.
        title: The field that people call it by, ditto.
        kinds: The kinds of parts of each key; empty when there is one.
        made_from: The fields that a part is made from; all of them when None.
        version: Raised by the author when finished parts are stale.
        members: The kinds that were declared as members of an `Enum`, by what they stand for.
    """

    of: Signature
    key: str | Callable[[Any], Any] | None
    title: str | Callable[[Any], Any] | None
    kinds: tuple[str, ...]
    made_from: tuple[str, ...] | None
    version: int
    members: Mapping[str, str] = field(default_factory=dict)

    def declared_kind(self, kind: str) -> str:
        """Return a kind as the author has declared it, a member of an `Enum` as that."""
        return self.members.get(kind, kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredStep:
    """One step.

    Attributes:
        name: Its function's.
        signature: Its function.
        codec: How what it gives is stored; of a step with parts, what one part gives.
        options: Limits and shares.
        needs: The share of parts that must be there before it; None when the author says nothing.
        listing: Its parts; None when it gives one result.
        reader: Says what is wrong with it.
    """

    name: str
    signature: Signature
    codec: Codec
    options: StepOptions
    reader: Reader = field(repr=False)
    needs: float | None = None
    listing: Listing | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredReview:
    """A human is asked about what a step gave.

    Attributes:
        of: The step's name.
        due_hours: Until when; by the setting when None.
        on_expiry: What happens then, ditto.
    """

    of: str
    due_hours: float | None = None
    on_expiry: ReviewExpiry | None = None
