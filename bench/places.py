"""Where the bench runs: the servers that it started, and a folder for logs."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Servers of the bench's own, and a folder that goes away."""

    database_url: str
    redis_url: str
    postgres_pid: int | None
    redis_pid: int | None
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_log(self, name: str) -> Path:
        """Return a file for the log of a program; it is there and empty."""
        plain = re.sub(r"\W+", "-", name)
        log = self.folder / f"{next(self._numbers)}-{plain}.log"
        log.touch()
        return log
