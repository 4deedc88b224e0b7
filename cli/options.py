"""What `roadmap up` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FLOWER_HOST: Final = "127.0.0.1"
"""Flower can revoke tasks: it is for people on this machine, or behind their own proxy."""


class Pool(StrEnum):
    """Celery's worker pools that we support."""

    THREADS = "threads"
    PREFORK = "prefork"


DEFAULT_CONCURRENCY: Final = {Pool.THREADS: 16, Pool.PREFORK: 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class StackOptions:
    """What `roadmap up` was asked for, ports decided. `flower_port` None means no Flower."""

    host: str
    port: int
    flower_port: int | None
    workers: int
    concurrency: int
    pool: Pool
    beat: bool
    metrics_port: int | None = None
    """Beat's; the workers have the ports after it. None means that they serve no metrics."""
    movable: frozenset[str] = frozenset()
    """The processes (`api`, `flower`) whose port we chose: another one is as good."""

    @property
    def api_url(self) -> str:
        """Where the API answers on this machine."""
        return f"http://{_reachable(self.host)}:{self.port}"

    @property
    def flower_url(self) -> str | None:
        """Where Flower answers."""
        return f"http://{FLOWER_HOST}:{self.flower_port}" if self.flower_port else None

    @property
    def processes(self) -> int:
        """How many processes open a database pool: the workers' (each prefork child), API, beat.

        A prefork worker has one child more than workflows (worker/slots.py). One more stands for
        what comes and goes: migrations, the doctor.
        """
        per_worker = self.concurrency + 1 if self.pool is Pool.PREFORK else 1
        return self.workers * per_worker + 3


def _reachable(host: str) -> str:
    if host in {"0.0.0.0", ""}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
