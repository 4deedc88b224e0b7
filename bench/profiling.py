"""Where a job's time goes in a worker of ours: by module, in milliseconds of CPU."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from bench.field import OURS
from bench.jobs import do_jobs, model_server, prepare, running

if TYPE_CHECKING:
    from bench.places import Place

_SHOWN: Final = 30
_WARM: Final = 16


async def measure(place: Place, *, jobs: int) -> list[dict[str, Any]]:
    """Return what the loop of a worker was busy with while it did jobs through the wire."""
    await prepare(place)
    counts_at = place.folder / "profile.json"
    database = await asyncpg.connect(place.database_url)
    with model_server() as address:
        os.environ["BENCH_MODEL_URL"] = address
        async with running(OURS, "wire", place, BENCH_PROFILE=str(counts_at)) as process:
            await do_jobs(OURS, process, database, place, _WARM)
            figures = await do_jobs(OURS, process, database, place, jobs)
    await database.close()
    counts: Counter[str] = Counter(json.loads(counts_at.read_text("utf-8")))
    counts.pop("idle", None)
    looked = counts.total()
    rows = [
        {"where": name, "share": round(count / looked, 4),
         "cpu_ms": round(figures["cpu_ms"] * count / looked, 2)}
        for name, count in counts.most_common()
    ]  # fmt: skip
    print(
        f"\nWhere a job's {figures['cpu_ms']:.0f} ms of CPU go, through the wire ({looked} looks)"
    )
    for row in rows[:_SHOWN]:
        print(f"  {row['where']:44} {row['share']:6.1%} {row['cpu_ms']:7.2f} ms")
    return rows
