"""Turns what a provider's SDK raises into our errors, and says which deserve another try."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import httpx2
import openai

from core.errors import (
    ContentRefusedError,
    ProviderError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnauthorizedError,
    ProviderUnavailableError,
)
from core.logging import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT_S: Final = 60.0
_EXCERPT: Final = 300
_SHORTEST_SECRET: Final = 6
"""A placeholder key such as "none" is no secret; cutting it out would garble messages."""

_TRY_AGAIN: Final = frozenset({408, 409, 425, 429})
_UNAUTHORIZED: Final = frozenset({401, 403})
_RATE_LIMITED: Final = 429
_SERVER_ERRORS: Final = 500
_FILTERED: Final = frozenset({"content_filter", "content_policy_violation"})
_NO_CREDIT: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


class TransientError(Exception):
    """A failure that another try may get past; carries the error to raise when none does."""

    def __init__(self, error: ProviderError, *, retry_after_s: float | None = None) -> None:
        """Keep the error and how long the provider asked us to wait."""
        self.error = error
        self.retry_after_s = retry_after_s
        super().__init__(error.message)


def failure_of(
    error: openai.OpenAIError | httpx2.HTTPError, *, key: str
) -> ProviderError | TransientError:
    """Return our error for one of the SDK's: a `TransientError` when trying again may help.

    The SDK's HTTP library is httpx2; what breaks while a body is being read comes from it as it
    is, everything before is wrapped by the SDK.

    Args:
        error: What asking or reading raised.
        key: The API key, which is cut out of whatever the provider echoes.
    """
    if isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException)):
        return TransientError(ProviderTimeoutError())
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, key)
    if isinstance(error.__cause__, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)):
        return ProviderRejectedError(
            "LLM_BASE_URL is no address that can be connected to; correct it, then retry."
        )
    return TransientError(ProviderUnavailableError())


def excerpt(text: str, *, key: str = "") -> str:
    """Return the beginning of a foreign text as one line without secrets."""
    if len(key) >= _SHORTEST_SECRET:
        text = text.replace(key, "***")
    line = " ".join(redact(text[: 4 * _EXCERPT]).split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "\u2026"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the wait that a Retry-After header asks for, in seconds, 60 at most."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        wait = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        wait = (at - datetime.now(UTC)).total_seconds()
    return min(LONGEST_WAIT_S, max(0.0, wait)) if wait == wait else None  # noqa: PLR0124 - "nan" is a float too


def _of_status(error: openai.APIStatusError, key: str) -> ProviderError | TransientError:
    status = error.status_code
    code, text = _told(error)
    said = f" (HTTP {status}: {excerpt(text, key=key)})" if text else f" (HTTP {status})"
    if status in _UNAUTHORIZED:
        # What a provider says about a key may contain a part of it, so it is left out.
        return ProviderUnauthorizedError(f"{ProviderUnauthorizedError.__doc__} (HTTP {status})")
    if code in _FILTERED:
        return ContentRefusedError(f"{ContentRefusedError.__doc__}{said}")
    if status == _RATE_LIMITED:
        limited = ProviderRateLimitedError(f"{ProviderRateLimitedError.__doc__}{said}")
        if code in _NO_CREDIT:
            return limited
        return TransientError(limited, retry_after_s=retry_after_s(error.response.headers))
    if status in _TRY_AGAIN or status >= _SERVER_ERRORS:
        return TransientError(
            ProviderUnavailableError(f"{ProviderUnavailableError.__doc__}{said}"),
            retry_after_s=retry_after_s(error.response.headers),
        )
    return ProviderRejectedError(f"{ProviderRejectedError.__doc__}{said}")


def _told(error: openai.APIStatusError) -> tuple[str, str]:
    body: Any = error.body
    if not isinstance(body, dict):
        return "", body if isinstance(body, str) else ""
    nested = body.get("error")
    inner: dict[str, Any] = nested if isinstance(nested, dict) else body
    code = inner.get("code") or inner.get("type") or ""
    message = inner.get("message") or inner.get("detail") or ""
    return str(code), message if isinstance(message, str) else str(message)
