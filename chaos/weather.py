"""What the storm's own helpers meet: counted, tried again, and never the end of a storm."""

from __future__ import annotations

import asyncio
import contextlib
import random
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncpg
import httpx
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

R = TypeVar("R")

EXPECTED: Final = (
    OSError,
    TimeoutError,
    EOFError,
    httpx.HTTPError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    KombuError,
    OperationalError,
    RedisError,
)
_FIRST_S: Final = 0.1
_LONGEST_S: Final = 2.0
_MOST_TOLD: Final = 5
ANSWER_S: Final = 10.0


class Weather:
    """Counts what helpers met, and tells of the first few that nobody foresaw."""

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()
        self.odd: list[str] = []

    def note(self, helper: str, error: BaseException) -> None:
        """Count an error of a helper."""
        self.met[f"{helper}: {type(error).__name__}"] += 1
        if not isinstance(error, EXPECTED) and len(self.odd) < _MOST_TOLD:
            self.odd.append(f"{helper}: {''.join(traceback.format_exception(error)[-3:])}")

    async def through(
        self, helper: str, work: Callable[[], Awaitable[R]], *, tries: int = 1_000_000
    ) -> R | None:
        """Do it, again and again until it succeeds; None after so many tries."""
        wait_s = _FIRST_S
        for _ in range(tries):
            try:
                async with asyncio.timeout(3 * ANSWER_S):
                    return await work()
            except Exception as error:  # noqa: BLE001 - all of it is weather
                self.note(helper, error)
            await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311 - jitter
            wait_s = min(2 * wait_s, _LONGEST_S)
        return None


class NotNowError(OSError):
    """The API answered that it cannot at the moment."""


class Door:
    """One helper's client of the API."""

    def __init__(self, weather: Weather, helper: str, address: str) -> None:
        self._weather = weather
        self._helper = helper
        self._client = httpx.AsyncClient(base_url=f"{address}/api/v1", timeout=ANSWER_S)

    async def ask(
        self, method: str, path: str, *, tries: int = 1_000_000, **request: Any
    ) -> httpx.Response | None:
        """Ask until there is an answer that is not "later"; None after so many tries."""

        async def once() -> httpx.Response:
            answer = await self._client.request(method, path, **request)
            if answer.status_code >= 500 or answer.status_code == 429:  # noqa: PLR2004 - of HTTP
                raise NotNowError(f"{answer.status_code} {answer.text[:100]}")
            return answer

        return await self._weather.through(self._helper, once, tries=tries)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


class Look:
    """One helper's connection to the database, opened anew whenever it is gone."""

    def __init__(self, weather: Weather, helper: str, url: str) -> None:
        self._weather = weather
        self._helper = helper
        self._url = url
        self._connection: asyncpg.Connection[Any] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def fetch(
        self, statement: str, *arguments: Any, tries: int = 1_000_000
    ) -> list[asyncpg.Record] | None:
        """Return rows; None after so many tries."""

        async def once() -> list[asyncpg.Record]:
            async with self._one_at_a_time:
                try:
                    if self._connection is None:
                        self._connection = await asyncpg.connect(
                            self._url, timeout=ANSWER_S, command_timeout=ANSWER_S
                        )
                    return list(await self._connection.fetch(statement, *arguments))
                except BaseException:
                    self._drop()
                    raise

        return await self._weather.through(self._helper, once, tries=tries)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.terminate()

    def close(self) -> None:
        """Close it."""
        self._drop()
