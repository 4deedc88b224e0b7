"""Turns what a provider says went wrong into our errors, and says which deserve another try."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

from core.provider_errors import (
    ContentRefusedError,
    ProviderAddressError,
    ProviderError,
    ProviderRateLimitedError,
    ProviderUnauthorizedError,
    ProviderUnavailableError,
)
from core.redaction import redact
from llm import words
from llm.judging import is_about_one_text, judged, lasts_long
from llm.told import Told
from llm.waits import LONGEST_WAIT_S, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BadAddressError",
    "RefusedError",
    "RejectedAnswerError",
    "Told",
    "TransientError",
    "WireError",
    "excerpt",
    "failure_of",
    "failure_told",
    "is_notice",
    "judged",
    "retry_after_s",
    "unavailable",
]

_EXCERPT: Final = 300
_SHORTEST_SECRET: Final = 6
"""A placeholder key such as "none" is no secret; cutting it out would garble messages."""

_OK: Final = 200
_ONE_TEXT: Final = (
    "The provider refused this request and not others; word the title differently, or read"
    " what it says."
)
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What cannot be stored, what terminals obey, and what turns the direction of other text."""

_PART_OF_KEY: Final = re.compile(r"[\w-]*(?:\*{2,}|(?<=\w)(?:\.{3}|\u2026)(?=\w))[\w*-]*")
"""Providers show a wrong key as `sk-ab***yz`: that is a part of a secret, too."""

_WRONG: Final = frozenset(
    {"error", "errors", "error_msg", "errmsg", "code", "error_code", "base_resp", "detail"}
)
_WITHOUT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG"})
_UNKNOWN_ISSUERS: Final = frozenset({18, 19, 20, 21})
"""OpenSSL's codes of a certificate that nobody signed who is trusted here."""
_PLAIN_CODE: Final = re.compile(r"[a-z]+(_[a-z]+){1,8}")


class WireError(Exception):
    """There was no answer, or it ended in its middle; why, it says or has for its cause."""


class UnreachedProxyError(WireError):
    """The proxy could not be reached, or does not let the request pass."""

    def __init__(self, proxy: str, why: str = "") -> None:
        """Keep its name, for people, and why, if it says so itself."""
        self.proxy = proxy
        super().__init__(why)


class UnconnectedError(TimeoutError):
    """No connection was made in time; it says to what, and within how long."""

    def __init__(self, seconds: float, *, proxy: str) -> None:
        """Say it.

        Args:
            seconds: How long was tried.
            proxy: The name of the proxy that stands between, for people, if there is one.
        """
        super().__init__(
            f"No connection to {proxy or 'the provider'} was made within {seconds:g} s; check"
            " ROADMAP_LLM_BASE_URL and the network, then retry."
        )


class BadAddressError(Exception):
    """The address is none that can be connected to."""


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


class RefusedError(Exception):
    """The server answered with another status than that of an answer."""

    def __init__(self, told: Told) -> None:
        """Keep what it said."""
        self.told = told
        super().__init__(f"HTTP {told.status}")


class RejectedAnswerError(Exception):
    """The server did not accept what its own model wrote; a repair may help, as with any answer."""

    def __init__(self, draft: str, *, cut: bool = False) -> None:
        """Keep what the model wrote, and whether it was cut off."""
        self.draft = draft
        self.cut = cut
        super().__init__("The model's answer was not accepted by its own server.")


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
    if served and is_about_one_text(told):
        kind, said = ContentRefusedError, _ONE_TEXT
    if kind is ProviderUnauthorizedError:
        # What a provider says about a key may contain a part of it, so only a plain code is shown.
        code = next((code for code in told.code.split() if _PLAIN_CODE.fullmatch(code)), "")
        return kind(f"{said} ({_status(told)}{f': {code}' if code else ''})")
    text = excerpt(told.message or told.code, key=key)
    text = f"not JSON but a web page: {text}" if told.page else text
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


def is_notice(data: Any, failure: TransientError) -> bool:
    """Tell whether a chunk that was taken for a failure may be but a sign of life.

    Some gateways send `{"message": "still working"}` while a model thinks. It has words, and none
    of them says that anything is wrong; it counts as a failure only when the stream has no end.
    """
    told = failure.told
    return (
        isinstance(data, dict)
        and told is not None
        and not (told.status or data.keys() & _WRONG)
        and type(failure.error) is ProviderUnavailableError
        and words.TROUBLE.search(told.said) is None
        and words.OVERLOADED.search(told.said) is None
    )


def failure_of(error: WireError | BadAddressError) -> ProviderError | TransientError:
    """Return our error for a connection that could not be made, or broke."""
    if isinstance(error, BadAddressError):
        return ProviderAddressError(
            "ROADMAP_LLM_BASE_URL is no address that can be connected to; correct it, then retry."
        )
    return unavailable(why_broken(error))


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


def _status(told: Told) -> str:
    return f"HTTP {told.status}" if told.status not in {0, _OK} else "in its answer"


def why_broken(error: WireError) -> str:
    """Say in a few words why there was no connection, or why it ended."""
    why = _broken(error)
    return f"{error.proxy}: {why}" if isinstance(error, UnreachedProxyError) else why


def _broken(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved: DNS"
        # of those that wrap one another only the innermost has a reason
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None):
            return f"no secure connection: TLS, {_of_tls(cause)}"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
    return str(error) or "connection broken"


def _of_tls(error: ssl.SSLError) -> str:
    """Say what is wrong with a secure connection, and what to do where that is known."""
    reason = excerpt(error.reason)
    if error.reason in _WITHOUT_TLS:
        return f"{reason}: its server answers without it, as one at http:// does"
    if not isinstance(error, ssl.SSLCertVerificationError):
        return reason
    unknown = error.verify_code in _UNKNOWN_ISSUERS
    advice = "; SSL_CERT_FILE names the file of an authority of your own" if unknown else ""
    return f"{reason}: {excerpt(error.verify_message)}{advice}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
