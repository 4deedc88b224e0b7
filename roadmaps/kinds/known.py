"""Finds the kinds, one in each file of this folder, and names them for requests and answers."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, WithJsonSchema
from typing_extensions import TypeAliasType

from roadmaps.kinds.kind import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def _found() -> Iterator[tuple[str, Kind]]:
    """Return the `KIND` of each file that has one, with the file's name."""
    folder = __package__ or "roadmaps.kinds"
    for entry in iter_modules(import_module(folder).__path__):
        name = f"{folder}.{entry.name}"
        kind = None if name == __name__ else getattr(import_module(name), "KIND", None)
        if isinstance(kind, Kind):
            yield name, kind


def one_of_each_name(found: Iterable[tuple[str, Kind]]) -> dict[str, Kind]:
    """Return kinds by their names, in their order.

    Raises:
        ValueError: Two have the same name.
    """
    known: dict[str, tuple[str, Kind]] = {}
    for file, kind in found:
        other, _ = known.setdefault(kind.name, (file, kind))
        if other != file:
            raise ValueError(f"{file} and {other} both call their kind '{kind.name}'; rename one.")
    kinds = [kind for _, kind in known.values()]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: (kind.order, kind.name))}


KINDS: Final[dict[str, Kind]] = one_of_each_name(_found())
"""In the order in which a concept's contents are written and shown."""


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


ContentKind = TypeAliasType(
    "ContentKind",
    Annotated[
        str,
        AfterValidator(_known),
        WithJsonSchema({"type": "string", "enum": list(KINDS), "title": "ContentKind"}),
    ],
)
"""A kind's name, where it comes from outside or is shown."""
