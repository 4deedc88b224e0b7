"""Who watches, and for how long they may: asked again as long as a stream lives."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import NotFoundError, UnauthenticatedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.actor import Actor


def _never() -> bool:
    return False


class StreamExpiredError(UnauthenticatedError):
    """The credentials that opened this stream are over; come back with new ones."""

    code = "stream_expired"


class CredentialsRevokedError(UnauthenticatedError):
    """These credentials were taken back; sign in again."""

    code = "credentials_revoked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """Somebody who follows something live.

    Attributes:
        actor: Who it is.
        expires_at: When the credentials end that opened the stream, in Unix seconds; None is
            never. A ticket's own minute only limits when a stream may be opened with it: what
            ends the stream is the end of the token for which the ticket was given.
        revoked: Tells whether the credentials were taken back before their end.
        token_id: The id of the token that was shown, by which it can be taken back.
        issued_at: When that token was made, in Unix seconds.
    """

    actor: Actor
    expires_at: float | None = None
    revoked: Callable[[], bool] = field(default=_never, compare=False, repr=False)
    token_id: str | None = None
    issued_at: float | None = None

    def left_s(self) -> float:
        """Return for how many seconds the credentials are good."""
        return float("inf") if self.expires_at is None else self.expires_at - time.time()

    def check(self, owner: str | None = None) -> None:
        """Refuse to show any more.

        Args:
            owner: Whom the thing belongs to at this moment, as far as that is known.

        Raises:
            StreamExpiredError: The credentials have ended.
            NotFoundError: It does not belong to the viewer any more.
        """
        if self.left_s() <= 0:
            raise StreamExpiredError
        if self.revoked():
            raise CredentialsRevokedError
        if owner is not None and not self.actor.may_see(owner):
            raise NotFoundError("There is no such thing any more.")
