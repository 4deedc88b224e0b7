"""What can go wrong, as classes: the API answered with a problem, or did not answer."""

from __future__ import annotations

from typing import Any, Final


class RoadmapError(Exception):
    """Something went wrong between this program and the API."""


class UnreachableError(RoadmapError):
    """The API does not answer: nothing listens there, it takes too long, or the line was cut."""

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        """Keep whether the request certainly never arrived, so that it may be sent again."""
        super().__init__(message)
        self.unsent = unsent


class UnexpectedAnswerError(RoadmapError):
    """Something answered, but not like our API: check the address, or update this client."""


class ProblemError(RoadmapError):
    """The API answered with a problem (RFC 9457).

    Attributes:
        status: The HTTP status.
        type: Stable URI of the kind of problem.
        code: Its last part, for programs, as in `stale_version`.
        detail: What happened and what to do, for people.
        errors: Which fields were wrong, `{"field", "message", "type"}` each.
        retry_after_s: When the API suggests to come back, in seconds; None when it does not.
    """

    def __init__(
        self,
        *,
        status: int,
        type_: str = "about:blank",
        code: str = "",
        detail: str = "",
        errors: list[dict[str, Any]] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Keep what the problem says."""
        super().__init__(detail or f"HTTP {status}")
        self.status = status
        self.type = type_
        self.code = code
        self.detail = detail or f"HTTP {status}"
        self.errors = errors or []
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it be copied and cross processes; Python would call the class with the text alone."""
        return self.__class__.__new__, (self.__class__, *self.args), self.__dict__


class InvalidRequestError(ProblemError):
    """The request breaks a rule; `errors` names the fields."""


class UnauthorizedError(ProblemError):
    """The token is missing, wrong or expired."""


class ForbiddenError(ProblemError):
    """The token's role does not allow this."""


class NotFoundError(ProblemError):
    """There is no such thing, or it belongs to somebody else."""


class ConflictError(ProblemError):
    """The state does not allow this now: decided already, ended already, still running."""


class StaleVersionError(ConflictError):
    """Another version is under review than the one that was looked at; read it again."""


class TooManyRequestsError(ProblemError):
    """A limit was reached; `retry_after_s` tells when to come back."""


class ServerError(ProblemError):
    """The API cannot do this now (503, with `retry_after_s`), or failed inside (500)."""


_BY_STATUS: Final[dict[int, type[ProblemError]]] = {
    400: InvalidRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: StaleVersionError,
    413: InvalidRequestError,
    422: InvalidRequestError,
    429: TooManyRequestsError,
}
_SERVER: Final = 500


def error_class(status: int) -> type[ProblemError]:
    """Return the class for an HTTP status of 400 or more."""
    return ServerError if status >= _SERVER else _BY_STATUS.get(status, ProblemError)
