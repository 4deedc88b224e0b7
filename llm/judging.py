"""Judges what a provider says went wrong: by its words first, then by its status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from core.provider_errors import (
    ContentRefusedError,
    ContextTooLongError,
    ProviderAddressError,
    ProviderError,
    ProviderQuotaExhaustedError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    ProviderUnauthorizedError,
    ProviderUnavailableError,
    ProviderUnknownModelError,
    ProviderUnsupportedError,
)
from llm import refused_text, words
from llm.told import BY_PROXY, REDIRECTS
from llm.waits import GIVE_UP_S

if TYPE_CHECKING:
    from llm.told import Told

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_TOO_LARGE: Final = frozenset({400, 413, 429})
_RATE: Final = 429
_TRY_AGAIN: Final = frozenset({408, 409, 424, 425, 498})
"""424 is of TGI's and Bedrock's for a model that failed, 498 Groq's for a full flex tier."""
_SERVER_ERRORS: Final = 500
_NOT_IMPLEMENTED: Final = 501
"""Says what a server cannot do, now or later, and no more."""
_NO_SUCH_PATH: Final = frozenset({404, 405})

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
_FIREWALL: Final = (
    "Something in front of the provider, such as a proxy or firewall, refuses this worker's"
    " requests; check ROADMAP_LLM_BASE_URL and the network, then retry."
)

_WANTS_TLS: Final = (
    "ROADMAP_LLM_BASE_URL begins with http://, and its server wants https://; correct it, then"
    " retry."
)


def judged(told: Told) -> tuple[type[ProviderError], str]:
    """Return the class of a failure, and what to say of it before the provider's own words."""
    kind = _by_words(told) or _by_status(told)
    return kind if isinstance(kind, tuple) else (kind, str(kind.__doc__))


def lasts_long(told: Told) -> bool:
    """Tell whether a limit is one that no reasonable wait gets past."""
    if words.QUOTA_OF_A_DAY.search(told.code):
        return True
    if told.retry_after_s is not None:
        return told.retry_after_s > GIVE_UP_S
    return words.FOR_LONG.search(told.said) is not None


_Kind = type[ProviderError] | tuple[type[ProviderError], str]


def _by_words(told: Told) -> _Kind | None:
    """Judge by words that mean the same whatever status they come with."""
    if told.page or told.status == BY_PROXY or told.status in REDIRECTS:
        return None
    if told.status in _TOO_LARGE and _larger_than_a_minute(told.said):
        return ContextTooLongError, _FOR_MINUTE
    kind = _about_the_account(told)
    if kind is not None:
        return kind
    if told.status == _RATE:
        said = told.said
        limited = words.RATE_LIMITED.search(said) or words.BY_RATE.search(said)
        return (
            ContentRefusedError if refused_text.REFUSED_TEXT.search(said) and not limited else None
        )
    return _about_the_request(told)


def _about_the_account(told: Told) -> _Kind | None:
    """Judge by words about who asks that count even where too much was asked for."""
    said = told.said
    limited = told.status == _RATE and words.BY_RATE.search(said)
    if not limited and (words.NO_CREDIT.search(said) or words.NO_CREDIT_CODE.search(told.code)):
        return ProviderQuotaExhaustedError
    if words.SUSPENDED.search(said):
        return ProviderUnauthorizedError, _CLOSED
    if words.REGION.search(said):
        return ProviderUnauthorizedError, _NOT_HERE
    return None


def _about_the_request(told: Told) -> _Kind | None:
    said, status = told.said, told.status
    for text, code, kind, spared in (
        (
            refused_text.REFUSED_TEXT,
            refused_text.REFUSED_CODE,
            ContentRefusedError,
            frozenset[int](),
        ),
        (words.WRONG_KEY, words.WRONG_KEY_CODE, ProviderUnauthorizedError, frozenset()),
        (words.LOADING, None, ProviderUnavailableError, frozenset()),
        (
            words.UNKNOWN_MODEL,
            words.UNKNOWN_MODEL_CODE,
            ProviderUnknownModelError,
            frozenset({_UNAUTHORIZED}),
        ),
    ):
        if status not in spared and (text.search(said) or (code and code.search(told.code))):
            return kind
    if status < _SERVER_ERRORS and words.WRONG_ADDRESS.search(said):
        return ProviderAddressError
    if words.OVER_RATE.search(said):
        return _for_long(told) if lasts_long(told) else ProviderRateLimitedError
    return None


_STATUSES: Final[dict[int, _Kind]] = {
    401: ProviderUnauthorizedError,
    402: ProviderQuotaExhaustedError,
    BY_PROXY: (ProviderAddressError, _FIREWALL),
    451: ContentRefusedError,
}


def _by_status(told: Told) -> _Kind:
    if told.status in _STATUSES:
        return _STATUSES[told.status]
    match told.status:
        case 403:
            return _forbidden(told)
        case 429 if lasts_long(told):
            return _for_long(told)
        case 429:
            return ProviderRateLimitedError
        case 0 | 200:
            return _without_status(told)
        case 413:
            return ContextTooLongError
        case status if status in _TRY_AGAIN or (
            status >= _SERVER_ERRORS and status != _NOT_IMPLEMENTED
        ):
            # some servers tell of a prompt that is too long by an internal error
            return ContextTooLongError if _is_too_long(told) else ProviderUnavailableError
    return _rejection(told)


def _is_too_long(told: Told) -> bool:
    return not told.page and words.TOO_LONG.search(told.said) is not None


def _forbidden(told: Told) -> _Kind:
    if told.page:
        return ProviderUnauthorizedError, _FIREWALL
    if words.OVERLOADED.search(told.said) and not words.NO_RIGHT.search(told.said):
        return ProviderUnavailableError
    return ProviderUnauthorizedError, _NOT_ALLOWED


def is_about_one_text(told: Told) -> bool:
    """Tell whether a 403 says something, but nothing of who asks.

    A page is one of a firewall that dislikes what stands in a request.
    """
    if told.status != _FORBIDDEN or not told.message:
        return False
    return told.page or (
        _by_words(told) is None
        and not words.OVERLOADED.search(told.said)
        and words.NO_RIGHT.search(told.said) is None
    )


def _rejection(told: Told) -> _Kind:
    said = told.said
    if words.WANTS_TLS.search(said):
        return ProviderAddressError, _WANTS_TLS
    if words.TOO_LONG.search(said):
        return ContextTooLongError
    if told.status in _NO_SUCH_PATH or told.status in REDIRECTS:
        return ProviderAddressError
    if words.DENIED.search(said):
        return ProviderUnauthorizedError, _NOT_ALLOWED
    if words.OVERLOADED.search(said):
        return ProviderUnavailableError
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
    if words.NOT_FOUND.search(told.message) or words.GREETING.search(told.message):
        return ProviderAddressError
    if re.search(r"permission|forbidden", told.code, re.IGNORECASE):
        return ProviderUnauthorizedError, _NOT_ALLOWED
    return ProviderUnavailableError


def _larger_than_a_minute(said: str) -> bool:
    found = _BY_MINUTE.search(said)
    if found is None:
        return False
    if found["limit"] is None:
        numbers = re.search(
            r"limit[: ]+([\d,]+).{0,60}?requested[: ]+([\d,]+)", said, re.IGNORECASE | re.DOTALL
        )
        return numbers is None or _number(numbers[1]) < _number(numbers[2])
    return _number(found["limit"]) < _number(found["requested"])


def _number(digits: str) -> int:
    return int(digits.replace(",", "") or 0)


def _for_long(told: Told) -> _Kind:
    """Say until when a limit lasts, where what is asked for is a wait for that."""
    of_a_day = words.QUOTA_OF_A_DAY.search(told.code)
    wait = "" if of_a_day else _in_words(told.retry_after_s)
    return ProviderRateLimitedError, _FOR_LONG.format(wait=wait)


def _in_words(wait_s: float | None) -> str:
    if wait_s is None:
        return ""
    hours = wait_s / 3600
    return (
        f"; it is free again in about {hours:.0f} h"
        if hours >= 1
        else (f"; it is free again in about {wait_s / 60:.0f} min")
    )
