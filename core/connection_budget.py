"""How many connections to PostgreSQL each process may open, so that all together keep to a limit.

DATABASE_MAX_CONNECTIONS, less a reserve for migrations and people, is divided by the processes that
share it. Less than two are of no use to a process, so then it does not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.errors import SettingsError

if TYPE_CHECKING:
    from core.settings import Settings

RESERVED_SHARE: Final = 0.1
"""Share of the connection budget left to migrations, doctors and people with psql."""
SMALLEST_POOL: Final = 2
"""A maintenance job holds its lock on one connection and works on another."""
LARGEST_POOL: Final = 20
"""More than this helps no single process: one loop, short transactions."""

_known_processes = 1


def know_processes(number: int) -> None:
    """Count with at least so many processes: a prefork worker knows how many children it makes."""
    global _known_processes  # noqa: PLW0603 - said once, before the pool forks
    _known_processes = number


def processes(settings: Settings) -> int:
    """Return how many processes share the budget, as far as this one knows."""
    return max(settings.database_processes, _known_processes)


def reserved(budget: int) -> int:
    """Return how many connections of the budget are left to people and migrations."""
    return max(1, round(budget * RESERVED_SHARE))


def share(budget: int, processes: int) -> int:
    """Return how many connections each of so many processes may open."""
    return (budget - reserved(budget)) // processes


def pool_size(settings: Settings) -> int:
    """Return the connections of one process's pool; there is no overflow on top.

    Its share, at least 2 and at most 20, less the one on which it holds its life's lock.
    """
    own = share(settings.database_max_connections, processes(settings))
    return max(SMALLEST_POOL, min(LARGEST_POOL, own - 1))


def has_room_for_life(settings: Settings) -> bool:
    """Tell whether a process may open a connection besides its pool, to hold its life's lock."""
    return share(settings.database_max_connections, processes(settings)) > SMALLEST_POOL


def needed(settings: Settings) -> int:
    """Return the connections that all processes and the reserve may take together."""
    each = pool_size(settings) + has_room_for_life(settings)
    return processes(settings) * each + reserved(settings.database_max_connections)


def fits(budget: int, processes: int) -> bool:
    """Tell whether the budget is enough for so many processes."""
    return share(budget, processes) >= SMALLEST_POOL


def check_budget(settings: Settings) -> None:
    """Refuse to start where the processes could only work by opening more than is allowed.

    Raises:
        SettingsError: There are too many processes for the budget.
    """
    budget, number = settings.database_max_connections, processes(settings)
    if not fits(budget, number):
        raise SettingsError(
            f"ROADMAP_DATABASE_MAX_CONNECTIONS={budget} is too little for {number} processes:"
            f" {reserved(budget)} of it are kept for people, and each process needs"
            f" {SMALLEST_POOL}. Raise it, run fewer processes, or correct"
            " ROADMAP_DATABASE_PROCESSES."
        )
