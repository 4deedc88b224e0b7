"""Sessions, and the one place (with the recorder) that commits."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from core.closed_transports import is_closed_transport
from core.errors import ServiceUnavailableError
from core.logging import get_logger
from core.loop_local import LoopLocal
from db.dialing import limits_of
from db.engine import get_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

log = get_logger(__name__)
R = TypeVar("R")

TRIES: Final = 4
_RETRYABLE_CLASSES: Final = ("08", "28", "53", "58")
"""No connection, no entry (a password that is being changed), no room (disk, memory, clients), and
a disk that fails."""
_RETRYABLE_STATES: Final = frozenset(
    {
        "25006", "3D000", "40001", "40P01", "55000", "55P03",
        "57014", "57P01", "57P02", "57P03", "57P04", "57P05",
    }
)  # fmt: skip
"""Read-only (a standby, a full disk, a switch-over), no such database (it is being restored),
serialization failure, deadlock, no connections accepted, lock time-out, statement time-out, server
shutting down or starting up, database dropped, idle for too long."""

REFUSAL_LASTS_S: Final = 30.0
"""A refusal this old tells nothing about the present; whoever needs to write finds out anew."""
_NO_ROOM: Final = "53100"

_no_room: Final[LoopLocal[list[tuple[float, str]]]] = LoopLocal(list)
"""When a write last found no room, and what the server is then said to do."""
_makers: LoopLocal[async_sessionmaker[AsyncSession]] = LoopLocal(
    lambda: async_sessionmaker(get_engine(), expire_on_commit=False, autoflush=False)
)


def get_session_maker() -> async_sessionmaker[AsyncSession]:
    """Return the running loop's session factory, bound to that loop's engine."""
    maker = _makers.get()
    if maker.kw["bind"] is not get_engine():  # the engine was disposed and made anew
        maker.configure(bind=get_engine())
    return maker


def AsyncSessionLocal() -> AsyncSession:  # noqa: N802 - the name that SQLAlchemy users know
    """Return a new session on the running loop's engine; the caller closes it (`async with`)."""
    return get_session_maker()()


@asynccontextmanager
async def read_session() -> AsyncIterator[AsyncSession]:
    """Open a session for reading: each statement by itself, with no transaction around it.

    So a read is one round trip to the database instead of three.
    """
    engine = get_engine()
    # a pooler's connections are told their time limits in a transaction
    bind = engine if limits_of(engine) else engine.execution_options(isolation_level="AUTOCOMMIT")
    async with AsyncSession(bind, expire_on_commit=False, autoflush=False) as session:
        yield session


@asynccontextmanager
async def transaction() -> AsyncIterator[Transaction]:
    """Open a transaction that commits when the block ends without an error.

    What was given to `on_commit` runs after the commit, in order, and only then.
    """
    async with AsyncSessionLocal() as session:
        tx = Transaction(session)
        async with session.begin():
            yield tx
    for callback in tx.callbacks:
        callback()


class Transaction:
    """A session that will be committed, and what is to happen after that."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.callbacks: list[Callable[[], None]] = []

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Call back after the commit; the callback must not block and must not raise."""
        self.callbacks.append(callback)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same transaction may well succeed when it is tried again.

    It may where the server, not the statement, is the reason, however long that takes.
    """
    if isinstance(error, (OSError, asyncio.TimeoutError, PoolTimeoutError)):
        return True
    if is_closed_transport(error):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, (InterfaceError, OperationalError)):
        return True
    state = _state_of(error)
    return state in _RETRYABLE_STATES or state.startswith(_RETRYABLE_CLASSES)


def note_refusal(error: BaseException) -> str | None:
    """Return what a server that answers refused, in words that follow its name; None for silence.

    That a disk is full is remembered: no question that reads would tell it.
    """
    from core.refusals import refusal  # late: whom nothing is refused never needs it

    why = refusal(error)
    if why and _state_of(error) == _NO_ROOM:
        _no_room.get()[:] = [(time.monotonic(), why)]
    return why


def refused_lately() -> str | None:
    """Return what writes of this process have been refused for a moment ago."""
    for at, why in _no_room.get():
        if time.monotonic() - at < REFUSAL_LASTS_S:
            return why
    return None


def _state_of(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


async def retrying(work: Callable[[], Awaitable[R]], *, tries: int = TRIES) -> R:
    """Run an idempotent unit of work, again when the database failed in passing.

    Args:
        work: What to run; each try in a session of its own.
        tries: How often, with growing waits between: 4 bear about a second, 7 about ten.

    Raises:
        ServiceUnavailableError: The database kept failing.
    """
    for attempt in range(1, tries + 1):
        try:
            return await work()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning(
                "db_work_retried",
                attempt=attempt,
                error=type(error).__name__,
                sqlstate=_state_of(error) or None,
            )
            why = note_refusal(error) or "cannot be reached"
            if attempt == tries:
                raise ServiceUnavailableError(f"The database {why}.") from error
        await asyncio.sleep(0.1 * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - jitter
    raise AssertionError  # pragma: no cover - the loop returns or raises


async def retrying_read(read: Callable[[AsyncSession], Awaitable[R]]) -> R:
    """Read in a session of its own, again when the database failed in passing.

    Raises:
        ServiceUnavailableError: The database kept failing.
    """

    async def once() -> R:
        async with read_session() as session:
            return await read(session)

    return await retrying(once)
