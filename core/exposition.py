"""This program's metrics as Prometheus reads them, also when several processes share them.

Metrics are defined where they are counted, as module constants, and are named
`roadmap_<what>[_<unit>][_total]`: seconds, never milliseconds; labels with few values, never an id.
`docs/METRICS.md` is generated from them. (`db_engine_count` keeps the name that users know.)

A prefork worker's children count in memory-mapped files of a folder, which its main process adds
up: without that each scrape would see one process of many.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes count together; the name is prometheus-client's."""
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_LIVE_FILE: Final = re.compile(r"gauge_live\w*_(\d+)\.db")


class _Processes(Collector):
    """Adds up what all processes of a folder count; gauges of dead ones are left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Any]:
        """Return the sums."""
        for file in self._folder.glob("gauge_live*.db"):
            found = _LIVE_FILE.fullmatch(file.name)
            if found and not Path(f"/proc/{found[1]}").exists():
                with suppress(OSError):
                    file.unlink()
        collector: Any = multiprocess.MultiProcessCollector(None, str(self._folder))  # type: ignore[no-untyped-call]
        found_metrics: Iterable[Any] = collector.collect()
        return found_metrics


def share(folder: Path) -> None:
    """Let metrics that are defined from now on, in this process and its children, add up there."""
    os.environ[FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def registry() -> CollectorRegistry:
    """Return what is to be exposed: this process's metrics, or those of all that share them."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return REGISTRY
    shared = CollectorRegistry()
    shared.register(_Processes(Path(folder)))
    return shared


def exposition() -> bytes:
    """Return the metrics as text."""
    return generate_latest(registry())
