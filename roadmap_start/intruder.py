"""What takes the place of a package of ours."""

from __future__ import annotations

from typing import NamedTuple


class Intruder(NamedTuple):
    """What Python finds under a name of ours.

    Attributes:
        name: The name, as in `core`.
        ours: Where our own package, or its file, should be.
        file: What was found instead; None when nothing is there.
    """

    name: str
    ours: str
    file: str | None
