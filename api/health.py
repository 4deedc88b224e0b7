"""What this program needs, whether it is there, and what follows when it is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from prometheus_client import Gauge

from core.settings import get_settings
from core.wire_names import SILENT
from db.engine import get_engine
from db.session import refused_lately
from tasks import queues
from watching import queries

if TYPE_CHECKING:
    from collections.abc import Collection

    from api.composition import Services
    from db.migration_names import Schema

UP: Final = Gauge(
    "roadmap_dependency_up",
    "1 when it answers (PostgreSQL: and has our migrations), 0 when not.",
    ["dependency"],
    multiprocess_mode="mostrecent",
)
_DOWN: Final = {
    "postgresql": "PostgreSQL {why}: nothing is accepted, read or generated. Workflows"
    " stop, and go on by themselves when it is back; nothing committed is lost.",
    "redis": "Redis {why}: live progress comes by polling, seconds late, and new,"
    " decided and retried tasks wait for a worker. Running workflows go on; nothing is lost.",
    "workers": "No worker takes messages: what is asked for waits. Start one, or look at the log of"
    " the one that is there; `roadmap probe worker` tells of each.",
    "broker": "The broker {why}: new, decided and retried tasks wait for a worker."
    " Running workflows go on; nothing is lost.",
}
_OUTDATED: Final = (
    "PostgreSQL is at migration {found}, not at the newest: run `roadmap db upgrade`. Until then"
    " whatever the new version added fails."
)


_schemas: Final[dict[str | None, Schema]] = {}
"""How revisions that were seen compare with ours; reading the scripts takes its time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What the probes found.

    Attributes:
        parts: By dependency, its `status` (`up`, `down`, `outdated`) and details.
        effects: What follows from each that is not up, by dependency, in words.
    """

    parts: dict[str, dict[str, Any]]
    effects: dict[str, str] = field(default_factory=dict)

    def ready(self, *, exclude: Collection[str] = ()) -> bool:
        """Tell whether all that is needed is there, leaving some out."""
        return not self.effects.keys() - set(exclude)

    @property
    def status(self) -> str:
        """`ready`; `degraded` when it still serves; `unavailable` when it does not."""
        if "postgresql" in self.effects:
            return "unavailable"
        return "degraded" if self.effects else "ready"


async def examine(services: Services) -> Health:
    """Ask PostgreSQL, Redis and, when it is another one, the broker; takes 2 s at most."""
    checks = {"postgresql": _database, "redis": services.ping_redis, "workers": _workers}
    settings = get_settings()
    redis_url = settings.redis_url.get_secret_value()
    if not _same_server(settings.broker, redis_url):
        checks["broker"] = _broker
    elif settings.broker != redis_url:  # another user of it
        checks["redis"] = partial(_both, services)
    found = await asyncio.gather(*(services.probe(name, ask) for name, ask in checks.items()))
    parts = dict(zip(checks, found, strict=True))
    effects = {}
    for name, part in parts.items():
        UP.labels(name).set(part["status"] == "up")
        if part["status"] == "outdated":
            effects[name] = _OUTDATED.format(found=part["migrations"])
        elif part["status"] != "up":
            effects[name] = _DOWN[name].format(why=part.get("why", SILENT))
    return Health(parts=parts, effects=effects)


def _same_server(one: str, other: str) -> bool:
    """Tell whether two addresses differ by nothing but who connects."""
    first, second = urlsplit(one), urlsplit(other)
    places = [(url.scheme, url.netloc.rpartition("@")[2], url.path) for url in (first, second)]
    return places[0] == places[1]


async def _database() -> dict[str, Any]:
    # Alembic: a quarter of a second that start-up need not wait
    from db.migration_names import Schema, schema_of
    from db.revisions import current

    engine = get_engine()
    revision = await current(engine)
    async with engine.connect() as connection:
        read_only = (await connection.exec_driver_sql("SHOW transaction_read_only")).scalar()
    known = _schemas.get(revision)
    if known is None:
        known = _schemas[revision] = await asyncio.to_thread(schema_of, revision)
    found = {
        "status": "outdated" if known is Schema.OLDER else "up",
        "migrations": "head" if known is Schema.NEWEST else revision or "none",
    }
    # a standby, or a server that was told to write no more; or one whose disk is full
    why = "is read-only" if read_only == "on" else refused_lately()
    return found | {"status": "down", "why": why} if why else found


async def _workers() -> dict[str, Any]:
    consuming = await queries.consuming_workers()
    return {"status": "up" if consuming else "down", "consuming": consuming}


async def _broker() -> dict[str, Any]:
    await asyncio.to_thread(queues.check_willing)
    return {"status": "up"}


async def _both(services: Services) -> dict[str, Any]:
    await services.ping_redis()
    return await _broker()
