"""What was measured, as a file: other programs read it, and docs/BENCHMARKS.md is made of it."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bench.places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = ROOT / "bench" / "results.json"
EMPTY: Final[dict[str, Any]] = {"contestants": {}, "growth": [], "viewers": {}, "latency": {}}


def read(file: Path = FILE) -> dict[str, Any]:
    """Return what is in the file, or what an empty one has."""
    known: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return EMPTY | known


def write(found: dict[str, Any], file: Path = FILE, *, quick: bool = False) -> None:
    """Put what was measured in the place of what the file had of it; the rest of it stays.

    Of a mode that was measured, nothing stays: who failed this time has no figures of another.
    """
    known = read(file)
    if not found:
        return
    modes = {_mode(name) for name in found.get("contestants", {})}
    for part in ("contestants", "ratios"):
        if part in found:
            others = {n: it for n, it in known.get(part, {}).items() if _mode(n) not in modes}
            found[part] = others | found[part]
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "quick": quick,
        "at": datetime.now(UTC).date().isoformat(),
    }
    text = json.dumps(known | found | {"machine": machine}, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", "utf-8")


def _mode(name: str) -> str:
    """Return what was measured of a contestant, as its name says."""
    return name.rpartition(", ")[2]
