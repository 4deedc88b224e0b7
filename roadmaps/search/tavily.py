"""Tavily (https://docs.tavily.com): `POST /search` with a bearer key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random

from core import timeouts
from core.provider_errors import (
    ContentInvalidError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnauthorizedError,
    ProviderUnavailableError,
)
from llm.answers import parsed_json
from llm.connection import key_meant
from llm.failures import TransientError, retry_after_s
from roadmaps.search.port import Hit

if TYPE_CHECKING:
    from core.settings import Settings

TRIES: Final = 2
HITS: Final = 8
_LONGEST_QUERY: Final = 380
"""Tavily refuses queries of more than 400 characters."""
_LARGEST_BODY: Final = 2_000_000
_EXCERPT: Final = 500
_LONGEST_WAIT_S: Final = 5.0
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})
_USED_UP: Final = frozenset({432, 433})
"""Tavily's own: the key's plan, or what was set to be paid at most, is used up."""
_RATE_LIMITED: Final = 429
_SERVER_ERRORS: Final = 500
_NO_KEY: Final = (
    "SEARCH_API_KEY is missing, refused or used up; check it, or set SEARCH_PROVIDER=none."
)


class Tavily:
    """A `Search` over Tavily, or a server that speaks like it."""

    def __init__(self, settings: Settings) -> None:
        """Take address, key and time-out from the settings; connect nothing yet."""
        self._key = key_meant(settings.search_api_key)
        self._timeout_s = settings.search_timeout_s
        self._client = httpx.AsyncClient(
            base_url=settings.search_base_url, timeout=self._timeout_s, trust_env=False
        )

    async def find(self, query: str) -> list[Hit]:
        """Return the best pages first; what may be over in a moment is tried twice.

        Raises:
            ProviderError: One of its subclasses.
        """
        retrying = AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=_pause,
            retry=retry_if_exception_type(TransientError),
            reraise=True,
        )
        try:
            return await retrying(self._ask, query[:_LONGEST_QUERY])
        except TransientError as failure:
            raise failure.error from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, query: str) -> list[Hit]:
        if not self._key or not self._key.isascii() or not self._key.isprintable():
            raise ProviderUnauthorizedError(_NO_KEY)
        body = bytearray()
        try:
            async with (
                timeouts.timeout(self._timeout_s),
                self._client.stream(
                    "POST",
                    "/search",
                    json={"query": query, "max_results": HITS},
                    headers={"Authorization": f"Bearer {self._key}"},
                ) as response,
            ):
                _raise_for(response)
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _LARGEST_BODY:
                        raise ContentInvalidError("The search answered with far too much.")
        except (TimeoutError, httpx.TimeoutException):
            raise TransientError(
                ProviderTimeoutError("The search did not answer in time.")
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise TransientError(
                ProviderUnavailableError("The search could not be reached; check SEARCH_BASE_URL.")
            ) from None
        return _hits(bytes(body))


def _raise_for(response: httpx.Response) -> None:
    status = response.status_code
    if status in _REFUSED | _USED_UP:
        raise ProviderUnauthorizedError(f"{_NO_KEY} (HTTP {status})")
    wait_s = retry_after_s(response.headers)
    if status == _RATE_LIMITED:
        error = ProviderRateLimitedError("The search answered \u201ctoo many requests\u201d.")
        raise TransientError(error, retry_after_s=wait_s)
    if status >= _SERVER_ERRORS:
        failed = ProviderUnavailableError(f"The search failed (HTTP {status}).")
        raise TransientError(failed, retry_after_s=wait_s)
    if status != _OK:
        raise ProviderRejectedError(
            f"The search did not accept the request (HTTP {status}); check SEARCH_BASE_URL."
        )


def _pause(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    asked = failure.retry_after_s if isinstance(failure, TransientError) else None
    # resources can do without a search, so nobody waits long for one
    return min(_LONGEST_WAIT_S, asked or 0.0) + wait_random(0.1, 0.5)(state)


def _hits(body: bytes) -> list[Hit]:
    try:
        data: Any = parsed_json(body.decode("utf-8", "replace"))
    except ValueError:
        raise ContentInvalidError("The search's answer is not JSON.") from None
    rows = data.get("results") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise ContentInvalidError("The search's answer has no results.")
    return [
        Hit(title=row["title"], url=row["url"], excerpt=_text(row.get("content")))
        for row in rows[:HITS]
        if isinstance(row, dict) and _text(row.get("title")) and _text(row.get("url"))
    ]


def _text(value: Any) -> str:
    return value[:_EXCERPT] if isinstance(value, str) else ""
