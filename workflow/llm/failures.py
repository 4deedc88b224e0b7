"""Turns what a provider says went wrong into our errors, and says which deserve another try."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING, Final

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
from workflow.llm import words
from workflow.llm.told import Told, told_in_text
from workflow.llm.waits import GIVE_UP_S, LONGEST_WAIT_S, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "RejectedAnswerError",
    "Told",
    "TransientError",
    "excerpt",
    "failure_of",
    "failure_told",
    "judged",
    "retry_after_s",
    "told_by",
    "unavailable",
]

_EXCERPT: Final = 300
_SHORTEST_SECRET: Final = 6
"""A placeholder key such as "none" is no secret; cutting it out would garble messages."""

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_NO_MONEY: Final = 402
_FORBIDDEN: Final = 403
_TOO_LARGE: Final = frozenset({400, 413, 429})
_RATE: Final = 429
_TRY_AGAIN: Final = frozenset({408, 409, 425, 498})
"""498 is Groq's for a full flex tier."""
_SERVER_ERRORS: Final = 500
_NO_SUCH_PATH: Final = frozenset({404, 405})
_REDIRECTS: Final = range(300, 400)

_BY_MINUTE: Final = re.compile(
    r"request too large|limit[: ]+(?P<limit>[\d,]+).{0,60}?requested[: ]+(?P<requested>[\d,]+)"
    r"|request body too large|max size: \d+ tokens",
    re.IGNORECASE | re.DOTALL,
)
_NOT_ALLOWED: Final = (
    "The provider does not let this ROADMAP_LLM_API_KEY use the model; check the account's"
    " rights and ROADMAP_LLM_MODEL, then retry."
)
_CLOSED: Final = (
    "The provider has closed or restricted the account of this ROADMAP_LLM_API_KEY; ask the"
    " provider, or use another key, then retry."
)
_NOT_HERE: Final = (
    "The provider does not serve the country or region that this worker calls from; use another"
    " provider or address (ROADMAP_LLM_BASE_URL), then retry."
)
_FOR_MINUTE: Final = (
    "The request is larger than all that this account may use in a minute, so that waiting does"
    " not help; use a model or a plan with a higher limit."
)
_FOR_LONG: Final = (
    "The provider's limit for a longer time is used up{wait}; retry then, or use another model"
    " or plan."
)
_ONE_TEXT: Final = (
    "The provider refused this request and not others; rename the concept, or read what it says."
)
_FIREWALL: Final = (
    "Something in front of the provider, such as a proxy or firewall, refuses this worker's"
    " requests; check ROADMAP_LLM_BASE_URL and the network, then retry."
)
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What cannot be stored, what terminals obey, and what turns the direction of other text."""

_PART_OF_KEY: Final = re.compile(r"[\w-]*(?:\*{2,}|(?<=\w)(?:\.{3}|\u2026)(?=\w))[\w*-]*")
"""Providers show a wrong key as `sk-ab***yz`: that is a part of a secret, too."""

_PLAIN_CODE: Final = re.compile(r"[a-z]+(_[a-z]+){1,8}")


class TransientError(Exception):
    """A failure that another try may get past; carries the error to raise when none does."""

    def __init__(
        self, error: ProviderError, *, retry_after_s: float | None = None, told: Told | None = None
    ) -> None:
        """Keep the error, how long the provider asked us to wait, and what it said."""
        self.error = error
        self.retry_after_s = retry_after_s
        self.told = told
        super().__init__(error.message)


class RejectedAnswerError(Exception):
    """The server did not accept what its own model wrote; a repair may help, as with any answer."""

    def __init__(self, draft: str, *, cut: bool = False) -> None:
        """Keep what the model wrote, and whether it was cut off."""
        self.draft = draft
        self.cut = cut
        super().__init__("The model's answer was not accepted by its own server.")


def told_by(error: openai.APIStatusError) -> Told:
    """Return what a provider said with a status."""
    # The SDK's own `body` is only a part of what came: a code beside a textual error is lost in it.
    response = error.response
    return told_in_text(response.text, status=error.status_code, headers=response.headers)


def failure_told(
    told: Told, *, key: str, served: bool = False
) -> ProviderError | TransientError | RejectedAnswerError:
    """Return our error for what a provider said: a `TransientError` when trying again may help.

    Words count before statuses: providers send an empty account with 400, 402, 403 and 429, a
    filtered text with 400, 403 and 500, and a wrong key with 400.

    Args:
        told: What it said.
        key: The API key, which is cut out of whatever the provider echoes.
        served: Whether this key and model were served before, so that a 403 which says nothing of
            the account is about this one text.
    """
    if told.draft is not None or words.DRAFT_REFUSED.search(told.said):
        return RejectedAnswerError(told.draft or "", cut=bool(words.DRAFT_CUT.search(told.said)))
    kind, said = judged(told)
    if served and _is_about_one_text(told):
        kind, said = ProviderRejectedError, _ONE_TEXT
    if kind is ProviderUnauthorizedError:
        # What a provider says about a key may contain a part of it, so only a plain code is shown.
        code = next((code for code in told.code.split() if _PLAIN_CODE.fullmatch(code)), "")
        return kind(f"{said} ({_status(told)}{f': {code}' if code else ''})")
    text = excerpt(told.message or told.code, key=key)
    error = kind(f"{said} ({_status(told)}: {text})" if text else f"{said} ({_status(told)})")
    error.details["told"] = told
    if kind is ProviderRateLimitedError and lasts_long(told):
        error.stops_task = True  # the other requests of the task would be sent away like this one
        return error
    if kind in {ProviderRateLimitedError, ProviderUnavailableError}:
        wait_s = told.retry_after_s
        wait_s = None if wait_s is None else min(LONGEST_WAIT_S, wait_s)
        return TransientError(error, retry_after_s=wait_s, told=told)
    return error


def failure_of(
    error: openai.OpenAIError | httpx2.HTTPError, *, key: str
) -> ProviderError | TransientError | RejectedAnswerError:
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
    text = _PART_OF_KEY.sub("***", text[: 4 * _EXCERPT])
    line = " ".join(_UNSAFE.sub(" ", redact(text)).split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "\u2026"


def judged(told: Told) -> tuple[type[ProviderError], str]:
    """Return the class of a failure, and what to say of it before the provider's own words."""
    kind = _by_words(told) or _by_status(told)
    return kind if isinstance(kind, tuple) else (kind, str(kind.__doc__))


def lasts_long(told: Told) -> bool:
    """Tell whether a limit is one that no reasonable wait gets past."""
    if told.retry_after_s is not None:
        return told.retry_after_s > GIVE_UP_S
    return told.status in {0, _RATE} and words.FOR_LONG.search(told.said) is not None


_Kind = type[ProviderError] | tuple[type[ProviderError], str]


def _by_words(told: Told) -> _Kind | None:
    """Judge by words that mean the same whatever status they come with."""
    if told.page:
        return None
    said, codes, status = told.said, told.code, told.status
    if status in _TOO_LARGE and _larger_than_a_minute(said):
        return ContextTooLongError, _FOR_MINUTE
    limited = status == _RATE and words.BY_RATE.search(said)
    if not limited and (words.NO_CREDIT.search(said) or words.NO_CREDIT_CODE.search(codes)):
        return ProviderQuotaExhaustedError
    if words.SUSPENDED.search(said):
        return ProviderUnauthorizedError, _CLOSED
    if words.REGION.search(said):
        return ProviderUnauthorizedError, _NOT_HERE
    if status == _RATE:
        return None
    if words.REFUSED_TEXT.search(said) or words.REFUSED_CODE.search(codes):
        return ContentRefusedError
    if status not in _NO_SUCH_PATH and (
        words.WRONG_KEY.search(said) or words.WRONG_KEY_CODE.search(codes)
    ):
        return ProviderUnauthorizedError
    if words.LOADING.search(said):
        return ProviderUnavailableError
    if status != _UNAUTHORIZED and (
        words.UNKNOWN_MODEL.search(said) or words.UNKNOWN_MODEL_CODE.search(codes)
    ):
        return ProviderUnknownModelError
    if status < _SERVER_ERRORS and words.WRONG_ADDRESS.search(said):
        return ProviderAddressError
    return None


def _by_status(told: Told) -> _Kind:
    match told.status:
        case 401:
            return ProviderUnauthorizedError
        case 403:
            return _forbidden(told)
        case 402:
            return ProviderQuotaExhaustedError
        case 429 if lasts_long(told):
            return ProviderRateLimitedError, _FOR_LONG.format(wait=_in_words(told.retry_after_s))
        case 429:
            return ProviderRateLimitedError
        case 0 | 200:
            return _without_status(told)
        case status if status in _TRY_AGAIN or status >= _SERVER_ERRORS:
            return ProviderUnavailableError
    return _rejection(told)


def _forbidden(told: Told) -> _Kind:
    if told.page:
        return ProviderUnauthorizedError, _FIREWALL
    return ProviderUnauthorizedError, _NOT_ALLOWED


def _is_about_one_text(told: Told) -> bool:
    return (
        told.status == _FORBIDDEN
        and not told.page
        and bool(told.message)
        and _by_words(told) is None
        and words.NO_RIGHT.search(told.said) is None
    )


def _rejection(told: Told) -> _Kind:
    said = told.said
    if words.TOO_LONG.search(said):
        return ContextTooLongError
    if told.status in _NO_SUCH_PATH or told.status in _REDIRECTS:
        return ProviderAddressError
    return ProviderUnsupportedError if words.UNSUPPORTED.search(said) else ProviderRejectedError


def _without_status(told: Told) -> _Kind:
    """Judge an error that came with 200, such as one in the middle of a stream."""
    if told.page:
        passing = words.PASSING_PAGE.search(told.message)
        return ProviderUnavailableError if passing else ProviderAddressError
    if words.RATE_LIMITED.search(told.said):
        return ProviderRateLimitedError
    if words.OVERLOADED.search(told.said):
        return ProviderUnavailableError
    if words.TOO_LONG.search(told.said):
        return ContextTooLongError
    if re.search(r"permission|forbidden", told.code, re.IGNORECASE):
        return ProviderUnauthorizedError, _NOT_ALLOWED
    return ProviderUnavailableError


def _larger_than_a_minute(said: str) -> bool:
    found = _BY_MINUTE.search(said)
    if found is None:
        return False
    if found["limit"] is None:
        numbers = re.search(r"limit[: ]+([\d,]+).{0,60}?requested[: ]+([\d,]+)", said, re.I | re.S)
        return numbers is None or _number(numbers[1]) < _number(numbers[2])
    return _number(found["limit"]) < _number(found["requested"])


def _number(digits: str) -> int:
    return int(digits.replace(",", "") or 0)


def _in_words(wait_s: float | None) -> str:
    if wait_s is None:
        return ""
    hours = wait_s / 3600
    return f"; it is free again in about {hours:.0f} h" if hours >= 1 else (
        f"; it is free again in about {wait_s / 60:.0f} min"
    )


def _status(told: Told) -> str:
    return f"HTTP {told.status}" if told.status not in {0, _OK} else "in its answer"


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
