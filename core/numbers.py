"""Which numbers are allowed somewhere, in words."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def in_words(
    kind: type, *, least: float | None = None, most: float | None = None, above: float | None = None
) -> str:
    """Return what may be given, as in `a whole number from 0 to 65535`.

    Args:
        kind: `int` or `float`.
        least: The smallest one.
        most: The largest one.
        above: All must be larger than this.
    """
    noun = "a whole number" if kind is int else "a number"
    if above is not None:
        return f"{noun} above {above:,g}" + (
            f", {_plain(most)} at most" if most is not None else ""
        )
    if least is not None and most is not None:
        return f"{noun} from {_plain(least)} to {_plain(most)}"
    if least is not None:
        return f"{noun}, {_plain(least)} or more"
    return noun if most is None else f"{noun}, {_plain(most)} or less"


def bounds_in_words(kind: type, metadata: Iterable[Any]) -> str:
    """Return what may be given where bounds are annotated (`Ge`, `Gt`, `Le`, `Lt`)."""
    found: dict[str, float] = {}
    for each in metadata:
        for name, word in (("ge", "least"), ("le", "most"), ("gt", "above")):
            if isinstance(bound := getattr(each, name, None), Real):
                found[word] = float(bound)
    return in_words(kind, **found)


def _plain(number: float) -> str:
    return f"{number:.0f}" if number == int(number) else f"{number:g}"
