"""What this program needs, whether it is there, and what follows when it is not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Gauge

from core.settings import get_settings
from db.engine import get_engine
from tasks import dispatch

if TYPE_CHECKING:
    from collections.abc import Collection

    from api.composition import Services

UP: Final = Gauge(
    "roadmap_dependency_up",
    "1 when it answers (PostgreSQL: and is at the newest migration), 0 when not.",
    ["dependency"],
    multiprocess_mode="mostrecent",
)
_DOWN: Final = {
    "postgresql": "PostgreSQL does not answer: nothing is accepted, read or generated. Workflows"
    " stop, and go on by themselves when it is back; nothing committed is lost.",
    "redis": "Redis does not answer: live progress comes by polling, seconds late, and new,"
    " decided and retried tasks wait for a worker. Running workflows go on; nothing is lost.",
    "broker": "The broker does not answer: new, decided and retried tasks wait for a worker."
    " Running workflows go on; nothing is lost.",
}
_OUTDATED: Final = (
    "PostgreSQL is at migration {found}, not at the newest: run `roadmap db upgrade`. Until then"
    " whatever the new version added fails."
)


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
    checks = {"postgresql": _database, "redis": services.ping_redis}
    if get_settings().broker != get_settings().redis_url.get_secret_value():
        checks["broker"] = _broker
    found = await asyncio.gather(*(services.probe(name, ask) for name, ask in checks.items()))
    parts = dict(zip(checks, found, strict=True))
    effects = {}
    for name, part in parts.items():
        UP.labels(name).set(part["status"] == "up")
        if part["status"] == "outdated":
            effects[name] = _OUTDATED.format(found=part["migrations"])
        elif part["status"] != "up":
            effects[name] = _DOWN[name]
    return Health(parts=parts, effects=effects)


async def _database() -> dict[str, Any]:
    from db.migrate import current  # Alembic: a quarter of a second that start-up need not wait

    revision = await current(get_engine())
    newest = await asyncio.to_thread(_head)
    return {
        "status": "up" if revision == newest else "outdated",
        "migrations": "head" if revision == newest else revision or "none",
    }


async def _broker() -> dict[str, Any]:
    await asyncio.to_thread(dispatch.peek)
    return {"status": "up"}


@lru_cache(maxsize=1)
def _head() -> str:
    from db.migrate import head

    return head()
