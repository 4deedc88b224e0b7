"""`make bench`: our choices and whole jobs against the alternatives, side by side in one run.

Absolute numbers belong to the machine; carry over the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import tempfile
from pathlib import Path
from typing import Final

import structlog

from bench import jobs, publishing, write_path
from core.given import PREFIX
from core.settings import get_settings
from db.engine import dispose_engine
from db.migrate import upgrade
from embedded import EmbeddedPostgres, EmbeddedRedis
from workflow import doorbell

PARTS: Final = ("writing", "publishing", "jobs")


async def _run(parts: list[str], servers: tuple[EmbeddedPostgres, EmbeddedRedis], at: Path) -> None:
    postgres, redis = servers
    doorbell.install(lambda _ring: None)
    if "writing" in parts:
        await write_path.measure()
    if "publishing" in parts:
        await publishing.measure(redis.pid)
    await dispose_engine()
    if "jobs" in parts:
        await jobs.measure(database_url=postgres.url, redis_url=redis.url, folder=at)


def main() -> None:
    """Start real servers, measure, print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"some of {', '.join(PARTS)}")
    parts = parser.parse_args().parts
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o711)
        with (
            EmbeddedPostgres(place / "pg", max_connections=500) as postgres,
            EmbeddedRedis(place / "redis") as redis,
        ):
            os.environ[PREFIX + "DATABASE_URL"] = postgres.url
            os.environ[PREFIX + "REDIS_URL"] = redis.url
            get_settings.cache_clear()
            upgrade()
            asyncio.run(_run(list(parts), (postgres, redis), place))


if __name__ == "__main__":
    main()
