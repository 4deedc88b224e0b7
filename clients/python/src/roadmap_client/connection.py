"""A connection to one API: asked anything, followed, closed; and how its answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from pydantic import ValidationError

from roadmap_client.answer import Answer
from roadmap_client.errors import UnexpectedAnswerError
from roadmap_client.following import PATIENCE_S, Follower
from roadmap_client.paths import segment
from roadmap_client.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from roadmap_client.errors import RoadmapError
    from roadmap_client.models import Event

A = TypeVar("A", bound=Answer)

_NAMED: Final = 5
"""So many unreadable fields are named in a message."""


def read(model: type[A], document: dict[str, Any]) -> A:
    """Return a document as the model that it should be.

    Raises:
        UnexpectedAnswerError: It has another shape.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = sorted({".".join(map(str, entry["loc"])) for entry in error.errors()})
        raise UnexpectedAnswerError(
            "This client cannot read the answer: missing or of another kind is"
            f" {', '.join(wrong[:_NAMED])}. Use client and API of the same release"
        ) from error


class Connection:
    """An API that can be asked and followed; `RoadmapClient` knows what there is to ask.

    Args:
        api_url: Where the API is, as in `http://127.0.0.1:8000`.
        token: A bearer token; None for an API in `none` mode.
        retries: How often a request that failed in passing is sent again.
    """

    def __init__(self, api_url: str, *, token: str | None = None, retries: int = 3) -> None:
        """Nothing is sent yet."""
        self._transport = Transport(api_url, token=token, retries=retries)

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return self._transport.api_url

    def move(self, api_url: str, *, token: str | None = None) -> None:
        """Go on with another address or token; a `follow` that is under way goes on there too."""
        self._transport.move(api_url, token=token)

    async def request(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """Send any request and return its document: for what has no method of its own here."""
        return await self._transport.call(method, path, **kwargs)

    def follow(
        self,
        task_id: str,
        *,
        after: int = 0,
        transient: bool = False,
        patience_s: float | None = PATIENCE_S,
        on_trouble: Callable[[RoadmapError | None], None] | None = None,
    ) -> AsyncGenerator[Event]:
        """Yield a task's events in order, each once, live, until it has ended.

        Cut connections and restarts of the API are survived: it goes on after the last event, with
        growing, jittered pauses; where no stream comes through it polls. It ends after the terminal
        event that nothing follows. Close it (`contextlib.aclosing`) when you leave it early.

        Args:
            task_id: The task.
            after: The last `seq` already known; 0 for all.
            transient: Yield transient events too: `content_delta`, text while it is written.
            patience_s: How long the API may be away before `UnreachableError`; None for ever.
            on_trouble: Called with the error at each try while the API is away, and with None when
                it is back.
        """
        follower = Follower(
            self._transport,
            segment(task_id),
            after=after,
            transient=transient,
            patience_s=patience_s,
            on_trouble=on_trouble,
        )
        return follower.events()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close the connections."""
        await self.aclose()
