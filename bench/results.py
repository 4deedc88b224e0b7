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
    """Put what was measured in the place of what the file had of it; the rest of it stays."""
    known = read(file)
    for name in ("contestants", "ratios"):
        if name in found:
            found[name] = known.get(name, {}) | found[name]
    if not found:
        return
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "quick": quick,
        "at": datetime.now(UTC).date().isoformat(),
    }
    text = json.dumps(known | found | {"machine": machine}, indent=1, ensure_ascii=False)
    file.write_text(text + "\n", "utf-8")
