"""`make bench`: our choices and whole jobs against the alternatives, side by side in one run.

Absolute numbers belong to the machine; carry over the ratios. What was measured goes to
bench/results.json, and from there to docs/BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from bench import growth, jobs, latency, profiling, publishing, report, results, viewing, write_path
from bench.places import Place
from core.given import PREFIX
from core.settings import get_settings
from db.engine import dispose_engine
from db.migrate import upgrade
from embedded import EmbeddedPostgres, EmbeddedRedis
from wiring.common import bring_workflows
from workflow import doorbell

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS: Final = (
    *("writing", "publishing", "sleep", "sample", "wire", "profile"),
    *("growth", "latency", "viewers"),
)
MODES: Final = ("sleep", "sample", "wire")


async def _run(parts: list[str], place: Place, *, quick: bool, out: Path) -> list[str]:
    """Measure part by part, and write down each as soon as it is there; return what failed."""
    doorbell.install(lambda _ring: None)
    bring_workflows()
    failed = []
    modes = tuple(mode for mode in MODES if mode in parts)
    for part in dict.fromkeys("jobs" if each in MODES else each for each in parts):
        try:
            found = await _measured(part, place, modes=modes, quick=quick)
        except Exception:  # noqa: BLE001 - the other parts are worth having
            traceback.print_exc()
            failed.append(part)
        else:
            results.write(found, out, quick=quick)
        await dispose_engine()
    return failed


async def _measured(
    part: str, place: Place, *, modes: tuple[str, ...], quick: bool
) -> dict[str, Any]:
    match part:
        case "writing":
            await write_path.measure()
        case "publishing":
            await publishing.measure(place.redis_pid)
        case "jobs":
            size = jobs.QUICK if quick else jobs.Size()
            rounds = await jobs.measure(place, size=size, modes=modes)
            return {"contestants": jobs.medians(rounds), "ratios": jobs.ratios(rounds)}
        case "profile":
            return {part: await profiling.measure(place, jobs=32 if quick else 96)}
        case "growth":
            sizes = growth.QUICK if quick else growth.SIZES
            return {part: await growth.measure(place, sizes=sizes)}
        case "latency":
            return {part: await latency.measure(place, tasks=20 if quick else 100)}
        case "viewers":
            size_of_crowd = viewing.QUICK if quick else viewing.FULL
            return {part: await viewing.measure(place, size=size_of_crowd)}
    return {}


@contextmanager
def _servers() -> Iterator[Place]:
    """Start PostgreSQL and Redis in a folder that goes away; our settings name them."""
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        at.chmod(0o711)
        with (
            EmbeddedPostgres(at / "pg", max_connections=500) as postgres,
            EmbeddedRedis(at / "redis") as redis,
        ):
            os.environ[PREFIX + "DATABASE_URL"] = postgres.url
            os.environ[PREFIX + "REDIS_URL"] = redis.url
            get_settings.cache_clear()
            upgrade()
            yield Place(
                database_url=postgres.url,
                redis_url=redis.url,
                postgres_pid=postgres.pid,
                redis_pid=redis.pid,
                folder=at,
            )


def main() -> None:
    """Start real servers, measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; by default all")
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--out", type=Path, default=results.FILE, help="where the figures go")
    given = parser.parse_args()
    if unknown := sorted(set(given.parts) - set(PARTS)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    began = time.monotonic()
    with _servers() as place:
        running = _run(list(given.parts or PARTS), place, quick=given.quick, out=given.out)
        failed = asyncio.run(running)
    print(f"\nAfter {time.monotonic() - began:.0f} s: {given.out}")
    if given.out == results.FILE:
        report.main()
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


if __name__ == "__main__":
    main()
