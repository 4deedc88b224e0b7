"""Limits what a user, and a task, may have in a day: tasks, tokens, retries."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from core.choices import AuthMode
from core.errors import QuotaExceededError
from core.gathering import Gathering
from core.loop_local import LoopLocal
from core.settings import get_settings
from db.raw import raw_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.gathering import Asked

AT_ONCE: Final = 100
"""More requests of one user than this are hardly under way in other processes at the same moment.
"""
TASKS_A_DAY: Final = 200
TOKENS_A_DAY: Final = 20_000_000
"""Where strangers are let in by token and the settings say nothing."""
_OF_USER: Final = text(
    """
    SELECT count(*) AS tasks, coalesce(sum(tokens), 0)::bigint AS tokens,
           extract(epoch FROM min(created_at) + interval '1 day' - clock_timestamp())::float AS wait
    FROM roadmap_tasks WHERE user_id = :user AND created_at > clock_timestamp() - interval '1 day'
    """
)
_OF_USERS: Final = """
    SELECT user_id, count(*), coalesce(sum(tokens), 0)::bigint FROM roadmap_tasks
    WHERE user_id = ANY($1::text[]) AND created_at > clock_timestamp() - interval '1 day'
    GROUP BY user_id
"""
_OF_TASK: Final = text(
    """
    SELECT count(*) AS retries,
           extract(epoch FROM min(created_at) + interval '1 day' - clock_timestamp())::float AS wait
    FROM task_events WHERE task_id = :task AND type = 'task_retried'
      AND created_at > clock_timestamp() - interval '1 day'
    """
)


def _limit(given: int | None, default: int) -> int:
    """Return a limit; not given, it is the default where strangers are let in, else none."""
    if given is not None:
        return given
    return default if get_settings().auth is AuthMode.JWT else 0


def _of_users() -> tuple[int, int]:
    """Return how many tasks and tokens a user may have in a day; 0 is without limit."""
    settings = get_settings()
    return (
        _limit(settings.user_max_tasks_per_day, TASKS_A_DAY),
        _limit(settings.user_max_tokens_per_day, TOKENS_A_DAY),
    )


_under_way: Final[LoopLocal[Counter[str]]] = LoopLocal(Counter)
"""Tasks of each user that are being accepted here."""


@contextmanager
def one_of(user_id: str) -> Iterator[Callable[[], int]]:
    """Count a task among its user's while it is being accepted.

    Yields:
        Tells how many of the user's may be under way, this one included, here and elsewhere.
    """
    under_way = _under_way.get()
    under_way[user_id] += 1
    try:
        yield lambda: under_way[user_id] + AT_ONCE
    finally:
        under_way[user_id] -= 1
        if not under_way[user_id]:
            del under_way[user_id]


async def far_from(user_id: str, others: Callable[[], int]) -> bool:
    """Tell whether a user may have one more task today, whatever else is under way.

    Asked together with those who ask for others in the same moment.

    Args:
        user_id: The user.
        others: What `one_of` gave.
    """
    most, tokens = _of_users()
    if not most and not tokens:
        return True
    had, spent = await _counts.get().ask(user_id)
    return (not most or had + others() <= most) and (not tokens or spent < tokens)


async def _count_all(asked: Sequence[Asked[str, tuple[int, int]]]) -> list[tuple[int, int]]:
    async with raw_statements() as raw:
        rows = await raw.fetch(_OF_USERS, list({each.item for each in asked}))
    found = {user_id: (had, spent) for user_id, had, spent in rows}
    return [found.get(each.item, (0, 0)) for each in asked]


_counts: Final[LoopLocal[Gathering[str, tuple[int, int]]]] = LoopLocal(
    lambda: Gathering(_count_all)
)


async def check_user(session: AsyncSession, user_id: str) -> None:
    """Refuse a user's task, whose row is there already, when it is one too many.

    Raises:
        QuotaExceededError: `retry_after_s` tells when there is room again.
    """
    tasks, tokens = _of_users()
    if not tasks and not tokens:
        return
    found = (await session.execute(_OF_USER, {"user": user_id})).one()
    if tasks and found.tasks > tasks:
        raise _over(f"{tasks:,} tasks", "USER_MAX_TASKS_PER_DAY", found.wait)
    if tokens and found.tokens >= tokens:
        raise _over(f"{tokens:,} tokens", "USER_MAX_TOKENS_PER_DAY", found.wait)


async def check_retries(session: AsyncSession, task_id: UUID) -> None:
    """Refuse to do a task, or contents of it, again when that was done too often.

    Raises:
        QuotaExceededError: `retry_after_s` tells when there is room again.
    """
    most = get_settings().task_max_retries_per_day
    if not most:
        return
    found = (await session.execute(_OF_TASK, {"task": task_id})).one()
    if found.retries >= most:
        raise _over(
            f"{most:,} retries and regenerations of a task", "TASK_MAX_RETRIES_PER_DAY", found.wait
        )


def _over(what: str, setting: str, wait_s: float | None) -> QuotaExceededError:
    return QuotaExceededError(
        f"At most {what} in 24 hours; come back as `Retry-After` says, or have an operator raise"
        f" ROADMAP_{setting}.",
        retry_after_s=max(1, math.ceil(wait_s or 1)),
    )
