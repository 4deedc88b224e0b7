"""Turns what a provider says went wrong into our errors, and says which deserve another try."""

from __future__ import annotations

import json
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import httpx2
import openai

from core.errors import (
    ContentRefusedError,
    ContextTooLongError,
    ProviderAddressError,
    ProviderError,
    ProviderQuotaExhaustedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnauthorizedError,
    ProviderUnavailableError,
    ProviderUnknownModelError,
    ProviderUnsupportedError,
)
from core.logging import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST_WAIT_S: Final = 60.0
_EXCERPT: Final = 300
_SHORTEST_SECRET: Final = 6
"""A placeholder key such as "none" is no secret; cutting it out would garble messages."""

_TRY_AGAIN: Final = frozenset({408, 409, 425})
_SERVER_ERRORS: Final = 500
_NO_SUCH_PATH: Final = frozenset({404, 405})
_REDIRECTS: Final = range(300, 400)

_FILTERED: Final = re.compile(
    r"content_filter|content_policy_violation|data_?inspection_?failed|responsible_?ai_?policy"
    r"|moderation|sensitive_words",
    re.IGNORECASE,
)
_NO_CREDIT: Final = re.compile(
    r"insufficient_(user_)?quota|billing_hard_limit|arrearage|insufficient_balance"
    r"|\b(balance|credits?)\b.{0,30}\b(insufficient|not enough|exhausted|empty)\b"
    r"|\b(insufficient|not enough)\b.{0,30}\b(balance|credits?|funds)\b|\bin good standing\b",
    re.IGNORECASE,
)
_TOO_LONG: Final = re.compile(
    r"context_length_exceeded|context (length|window|size)|prompt is too long"
    r"|(input|prompt|messages?).{0,40}(exceeds?|longer than|too many tokens)",
    re.IGNORECASE,
)
_UNKNOWN_MODEL: Final = re.compile(
    r"model_?not_?(found|exist)"
    r"|\bmodel\b.{0,120}\b(not (be )?(found|exist)|doesn.t exist|unknown|not a valid|invalid)"
    r"|\b(unknown|invalid|no such|not find( the)?) model\b",
    re.IGNORECASE | re.DOTALL,
)
_UNSUPPORTED: Final = re.compile(
    r"unsupported_(parameter|value)|unknown_parameter|extra_forbidden"
    r"|(unsupported|unknown|unrecognized) (parameter|value|argument)"
    r"|extra inputs are not permitted",
    re.IGNORECASE,
)
_FORBIDDEN: Final = 403
_NOT_ALLOWED: Final = (
    "The provider does not let this ROADMAP_LLM_API_KEY use the model; check the account's"
    " rights and ROADMAP_LLM_MODEL, then retry."
)
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What cannot be stored, what terminals obey, and what turns the direction of other text."""

_PLAIN_CODE: Final = re.compile(r"[a-z]+(_[a-z]+){1,8}")


class TransientError(Exception):
    """A failure that another try may get past; carries the error to raise when none does."""

    def __init__(self, error: ProviderError, *, retry_after_s: float | None = None) -> None:
        """Keep the error and how long the provider asked us to wait."""
        self.error = error
        self.retry_after_s = retry_after_s
        super().__init__(error.message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a provider says about a failure, in its own words.

    `status` is the HTTP status, or the one inside an error that came with 200; 0 for neither.
    """

    status: int = 0
    code: str = ""
    param: str = ""
    message: str = ""
    retry_after_s: float | None = None

    @classmethod
    def by(cls, body: Any, *, status: int = 0, headers: Mapping[str, str] | None = None) -> Told:
        """Read the body of an error, in any of the shapes that providers use."""
        inner = body.get("error") if isinstance(body, dict) else None
        data: Any = inner or body
        if not isinstance(data, dict):
            data = {"message": data if isinstance(data, str) else ""}
        code = data.get("code") or data.get("type") or ""
        if not status and isinstance(code, int):
            status = code
        return cls(
            status=status,
            code=str(code),
            param=str(data.get("param") or ""),
            message=_words(data.get("message") or data.get("detail") or data.get("msg") or ""),
            retry_after_s=retry_after_s(headers or {}),
        )


def told_by(error: openai.APIStatusError) -> Told:
    """Return what a provider said with a status."""
    return Told.by(error.body, status=error.status_code, headers=error.response.headers)


def failure_told(told: Told, *, key: str) -> ProviderError | TransientError:
    """Return our error for what a provider said: a `TransientError` when trying again may help.

    Codes count before statuses: providers send an empty account with 402, 403 and 429, and a
    filtered text with 400 and 403.

    Args:
        told: What it said.
        key: The API key, which is cut out of whatever the provider echoes.
    """
    kind = _kind(told)
    if kind is ProviderUnauthorizedError:
        # What a provider says about a key may contain a part of it, so only a plain code is shown.
        hint = f": {told.code}" if _PLAIN_CODE.fullmatch(told.code) else ""
        said = _NOT_ALLOWED if told.status == _FORBIDDEN else kind.__doc__
        return kind(f"{said} (HTTP {told.status}{hint})")
    status = f"HTTP {told.status}" if told.status else "in its answer"
    text = excerpt(told.message or told.code, key=key)
    error = kind(f"{kind.__doc__} ({status}: {text})" if text else f"{kind.__doc__} ({status})")
    if kind in {ProviderRateLimitedError, ProviderUnavailableError}:
        return TransientError(error, retry_after_s=told.retry_after_s)
    return error


def failure_of(
    error: openai.OpenAIError | httpx2.HTTPError, *, key: str
) -> ProviderError | TransientError:
    """Return our error for one of the SDK's.

    The SDK's HTTP library is httpx2; what breaks while a body is being read comes from it as it
    is, everything before is wrapped by the SDK.
    """
    if isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException)):
        return TransientError(ProviderTimeoutError())
    if isinstance(error, openai.APIStatusError):
        return failure_told(told_by(error), key=key)
    if isinstance(error.__cause__, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)):
        return ProviderAddressError(
            "ROADMAP_LLM_BASE_URL is no address that can be connected to; correct it, then retry."
        )
    return unavailable(_broken(error))


def unavailable(why: str) -> TransientError:
    """Return the failure of a provider that cannot be reached or understood at the moment."""
    return TransientError(ProviderUnavailableError(f"{ProviderUnavailableError.__doc__} ({why})"))


def excerpt(text: str, *, key: str = "") -> str:
    """Return the beginning of a foreign text as one safe line without secrets."""
    if len(key) >= _SHORTEST_SECRET:
        text = text.replace(key, "***")
    line = " ".join(_UNSAFE.sub(" ", redact(text[: 4 * _EXCERPT])).split())
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


def _kind(told: Told) -> type[ProviderError]:
    said = f"{told.code} {told.message}"
    client_side = told.status < _SERVER_ERRORS
    for pattern, kind in (
        (_FILTERED, ContentRefusedError),
        (_NO_CREDIT, ProviderQuotaExhaustedError),
    ):
        if client_side and pattern.search(told.code if kind is ContentRefusedError else said):
            return kind
    match told.status:
        case 401 | 403:
            return ProviderUnauthorizedError
        case 402:
            return ProviderQuotaExhaustedError
        case 429:
            return ProviderRateLimitedError
        case 0:
            return _by_code(told.code)
        case status if status in _TRY_AGAIN or status >= _SERVER_ERRORS:
            return ProviderUnavailableError
    return _rejection(told, said)


def _rejection(told: Told, said: str) -> type[ProviderError]:
    if _TOO_LONG.search(said):
        return ContextTooLongError
    if _UNKNOWN_MODEL.search(said):
        return ProviderUnknownModelError
    if told.status in _NO_SUCH_PATH or told.status in _REDIRECTS:
        return ProviderAddressError
    return ProviderUnsupportedError if _UNSUPPORTED.search(said) else ProviderRejectedError


def _by_code(code: str) -> type[ProviderError]:
    """Judge an error without a status, such as one in the middle of a stream."""
    if re.search(r"rate_?limit|too_?many_?requests", code, re.IGNORECASE):
        return ProviderRateLimitedError
    if re.search(r"invalid_?api_?key|authentication|permission", code, re.IGNORECASE):
        return ProviderUnauthorizedError
    return ProviderUnavailableError


def _words(value: Any) -> str:
    """Return a message as text; of a list of validation errors, where each is and what it says."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "detail" in value:
        return _words(value["detail"])
    if isinstance(value, list) and all(isinstance(part, dict) and "loc" in part for part in value):
        return "; ".join(f"{_place(part['loc'])}: {part.get('msg', '')}" for part in value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _place(where: Any) -> str:
    return ".".join(str(part) for part in where) if isinstance(where, list) else str(where)


def _broken(error: BaseException) -> str:
    """Say in a few words why there was no connection, or why it ended."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved: DNS"
        if isinstance(cause, ssl.SSLError):
            return f"no secure connection: TLS, {excerpt(cause.reason or str(cause))}"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
    return "connection broken"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
