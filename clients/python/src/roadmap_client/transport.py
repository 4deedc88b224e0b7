"""One request and its answer: sent again where that is safe, every failure a typed error."""

from __future__ import annotations

import asyncio
import random
import re
import time
from email.utils import mktime_tz, parsedate_tz
from typing import Any, Final

import httpx

from roadmap_client.errors import (
    ProblemError,
    ServerError,
    TooManyRequestsError,
    UnexpectedAnswerError,
    UnreachableError,
    error_class,
)

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
LONGEST_HINT_S: Final = 30.0
"""A `Retry-After` longer than this is not waited for but raised."""
_SENDABLE: Final = re.compile(r"[!-~]*")
_NUMBER: Final = re.compile(r"[0-9]+([.][0-9]+)?")
_LAST_PORT: Final = 65_535
_OF_NO_ADDRESS: Final = (None, "Not Found", "There is nothing at this address.")
"""What others, programs of our framework, and our API say of a path that they do not have."""
_LOST: Final = (
    ". What was asked for may have been done all the same: look before you send it again;"
    " with the same idempotency key it is not done twice"
)
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Transport:
    """Talks HTTP to one API.

    Args:
        api_url: Where it is, as in `http://127.0.0.1:8000`.
        token: The bearer token; None for an API in `none` mode.
        retries: How often a request that failed in passing is sent again.
    """

    def __init__(self, api_url: str, *, token: str | None, retries: int) -> None:
        self._retries = retries
        api_url, token = checked(api_url, token)
        # a proxy from the environment is for other machines, not for this one
        self.http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=not is_local(api_url))
        self.move(api_url, token=token)

    def move(self, api_url: str, *, token: str | None) -> None:
        """Go on with another address or token.

        Raises:
            ValueError: The address is none, or the token cannot be sent; its text is not told.
        """
        self.api_url, token = checked(api_url, token)
        self.http.base_url = httpx.URL(self.api_url)
        self.http.headers.pop("Authorization", None)
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"

    async def call(
        self, method: str, path: str, *, repeatable: bool | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Send a request and return the document it is answered with.

        Args:
            method: The HTTP method.
            path: The path on the server.
            repeatable: Sending it twice does what once does, so it is sent again also when its
                answer was lost. By default only GET is.
            kwargs: For `httpx.AsyncClient.request`.

        Raises:
            ProblemError: The API answered with a problem.
            UnreachableError: It does not answer.
            UnexpectedAnswerError: Something else answered.
            ValueError: The path is a whole address, which would get the token wherever it is.
        """
        if httpx.URL(path).is_absolute_url:
            raise ValueError(f"{path} is a whole address: give the path on {self.api_url} alone.")
        repeatable = method == "GET" if repeatable is None else repeatable
        for left in range(self._retries, -1, -1):
            try:
                return await self._once(method, path, **kwargs)
            except (UnreachableError, TooManyRequestsError, ServerError) as error:
                pause_s = _pause(error, repeatable=repeatable, tried=self._retries - left)
                if not left or pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    async def _once(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        try:
            response = await self.http.request(method, path, **kwargs)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.api_url, error, changes=method != "GET") from error
        if is_absent(response):
            raise absent(self.api_url, response)
        if response.is_error:
            raise problem(response)
        body = _document(response)
        if body is None:
            raise UnexpectedAnswerError(f"{self.api_url} does not answer like our API.")
        return body


def checked(api_url: str, token: str | None) -> tuple[str, str]:
    """Return an address and a token as they are used, without what surrounds them.

    Raises:
        ValueError: The address is none, or the token cannot be sent; its text is not told.
    """
    token = (token or "").strip()  # a file that it was read from ends with a line break
    if not _SENDABLE.fullmatch(token):
        raise ValueError("The token has characters that no token has: give it alone.")
    api_url = str(api_url or "").strip().rstrip("/")  # None, as of a variable that is not set
    try:
        url = httpx.URL(api_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{api_url!r} is no address: {error}.") from None
    if url.scheme not in {"http", "https"}:
        raise ValueError(f"{api_url!r} is no address: it begins with http:// or https://.")
    if not url.host or url.query or (url.port or 0) > _LAST_PORT:
        raise ValueError(f"{api_url!r} is no address of an API: it is like http://host:8000/path.")
    return api_url, token


def unreachable(api_url: str, error: Exception, *, changes: bool = False) -> UnreachableError:
    """Return the error for an API that does not answer; what changes something may have done so."""
    reason = str(error) or type(error).__name__
    unsent = isinstance(error, _UNSENT)
    lost = _LOST if changes and not unsent else ""
    return UnreachableError(f"The API at {api_url} does not answer: {reason}{lost}", unsent=unsent)


def problem(response: httpx.Response) -> ProblemError:
    """Return the error for an answer of 400 or more, a problem document or not."""
    body = _document(response) or {}
    errors = body.get("errors")
    return error_class(response.status_code)(
        status=response.status_code,
        type_=str(body.get("type") or "about:blank"),
        code=str(body.get("code") or ""),
        detail=str(body.get("detail") or body.get("title") or ""),
        errors=errors if isinstance(errors, list) else None,
        retry_after_s=_wanted_pause_s(response.headers),
    )


def is_absent(response: httpx.Response) -> bool:
    """Tell whether something else answers that there is nothing: it stands in the API's place."""
    return response.status_code == httpx.codes.NOT_FOUND and not _is_ours(response)


def absent(api_url: str, response: httpx.Response) -> UnexpectedAnswerError:
    """Return the error for an address at which something else answers."""
    return UnexpectedAnswerError(
        f"Something answers at {api_url}, but has no {response.url.path}: that is not"
        " where our API is. Its address ends before /api/v1"
    )


def is_local(url: str) -> bool:
    """Tell whether an address is on this machine."""
    host = httpx.URL(url).host
    return host in {"localhost", "::1"} or host.startswith("127.")


def jittered(seconds: float) -> float:
    """Return a pause somewhat shorter, so that many clients do not come back at once."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


def _pause(error: Exception, *, repeatable: bool, tried: int) -> float | None:
    """Return how long to wait before the request is sent again; None when it is not."""
    backoff_s = jittered(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**tried))
    if isinstance(error, UnreachableError):
        return backoff_s if repeatable or error.unsent else None
    if isinstance(error, ServerError) and not repeatable:
        return None  # it may have been carried out
    hint_s = error.retry_after_s if isinstance(error, ProblemError) else None
    if hint_s is None:
        return backoff_s if isinstance(error, ServerError) else None
    return None if hint_s > LONGEST_HINT_S else max(hint_s, backoff_s)


def _wanted_pause_s(headers: httpx.Headers) -> float | None:
    """Return how long an answer asks to wait: in seconds, or until a date of the server's clock."""
    wanted = headers.get("Retry-After", "").strip()
    if seconds := _NUMBER.match(wanted):  # of several the first
        return float(seconds[0])
    until, now = _moment(wanted), _moment(headers.get("Date", ""))
    return None if until is None else max(0.0, until - (time.time() if now is None else now))


def _moment(date: str) -> float | None:
    try:
        return None if (parsed := parsedate_tz(date)) is None else mktime_tz(parsed)
    except (ValueError, OverflowError):  # a year that no clock has
        return None


def _is_ours(response: httpx.Response) -> bool:
    """Tell whether our API said that a thing is missing, and not that it knows no such address."""
    body = _document(response) or {}
    return body.get("detail") not in _OF_NO_ADDRESS


def _document(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
