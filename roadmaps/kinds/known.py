"""Finds the kinds, one in each file of this folder, and names them for requests and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from roadmaps.kinds import quiz, resources, tutorial

if TYPE_CHECKING:
    from roadmaps.kinds.kind import Kind

KINDS: Final[dict[str, Kind]] = {
    module.KIND.name: module.KIND for module in (tutorial, resources, quiz)
}
"""In the order in which a concept's contents are shown."""


def kind_of(name: str) -> Kind:
    """Return a kind by its name.

    Raises:
        LookupError: There is none.
    """
    return KINDS[name]


def _known(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"must be one of {', '.join(KINDS)}")
    return name


ContentKind = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"type": "string", "enum": list(KINDS), "title": "ContentKind"}),
]
"""A kind's name, where it comes from outside or is shown."""
