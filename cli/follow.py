"""A task's events, in order, each once, through restarts of the API."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any, Final

import httpx

from cli.client import BASE, ApiError, Client, problem
from cli.exits import CommandError, ExitCode, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TERMINAL_TYPES: Final = frozenset(
    {"task_completed", "task_partially_failed", "task_failed", "task_cancelled"}
)
PATIENCE_S: Final = 90.0
"""How long an API may be away before a watch gives up."""
_SILENCE_S: Final = 60.0
"""Longer than the stream's heartbeat; a stream silent for this long is dead."""
_POLL_WAIT_S: Final = 20.0
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_STREAM_TRIES: Final = 3
"""Streams in a row that brought nothing, before falling back to polling."""
_NO_CONTENT: Final = 204
_TOO_MANY: Final = 429


class Follower:
    """Follows one task from an event on: by the stream, or by long polls where that fails.

    Args:
        client: The API.
        task_id: The task.
        after: The last event already known; 0 for all.
        on_trouble: Told what is wrong while the API is away, and None when it is back.
    """

    def __init__(
        self,
        client: Client,
        task_id: str,
        *,
        after: int = 0,
        on_trouble: Callable[[str | None], None] | None = None,
    ) -> None:
        """Nothing is asked yet."""
        self.after = after
        self._client = client
        self._task_id = task_id
        self._on_trouble = on_trouble or (lambda _text: None)
        self._empty_streams = 0
        self._in_trouble = False
        self._heard_at = time.monotonic()

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield each event after the known one, until nothing follows a terminal one.

        Raises:
            CommandError: The task does not exist, the token was refused, or the API stayed away.
        """
        pause_s = _FIRST_PAUSE_S
        self._heard_at = time.monotonic()
        while True:
            try:
                for event in self._once():
                    pause_s = _FIRST_PAUSE_S
                    yield event
                    if event["type"] in TERMINAL_TYPES and self._nothing_follows():
                        return
                if self._is_over():
                    return
            except (httpx.HTTPError, CommandError, ValueError) as error:
                self._endure(error)
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    def _once(self) -> Iterator[dict[str, Any]]:
        if self._empty_streams < _STREAM_TRIES:
            return self._stream()
        return self._poll()

    def _stream(self) -> Iterator[dict[str, Any]]:
        from httpx_sse import SSEError, connect_sse

        self._empty_streams += 1
        path = f"{BASE}/tasks/{self._task_id}/stream"
        timeout = httpx.Timeout(10.0, read=_SILENCE_S)
        with connect_sse(
            self._client.http, "GET", path, params={"after": self.after}, timeout=timeout
        ) as source:
            response = source.response
            if response.is_error:
                response.read()
                raise problem(response, what=f"task {self._task_id}")
            self._heard()
            if response.status_code == _NO_CONTENT:
                return
            try:
                for message in source.iter_sse():
                    self._heard()
                    if not message.id or not message.data:
                        continue  # transient, such as streamed text, or only a retry delay
                    if event := self._new(json.loads(message.data)):
                        self._empty_streams = 0
                        yield event
            except SSEError as error:
                raise ValueError(str(error)) from None

    def _poll(self) -> Iterator[dict[str, Any]]:
        page = self._client.events(self._task_id, after=self.after, wait_s=_POLL_WAIT_S)
        self._heard()
        for document in page["events"]:
            if event := self._new(document):
                yield event

    def _new(self, event: dict[str, Any]) -> dict[str, Any] | None:
        seq = event.get("seq")
        if not isinstance(seq, int) or seq <= self.after:
            return None
        if seq != self.after + 1:
            raise ValueError(f"event {self.after + 1} is missing")  # ask again from there
        self.after = seq
        return event

    def _is_over(self) -> bool:
        """Tell whether a stream ended because the task had ended before `after`."""
        task = self._client.task(self._task_id)
        terminal = task["status"] in {"completed", "partial_failure", "failed", "cancelled"}
        return terminal and self._nothing_follows()

    def _nothing_follows(self) -> bool:
        """Tell whether the known events are all: after a terminal one a retry may go on."""
        page = self._client.events(self._task_id, after=self.after, wait_s=0)
        return not page["events"]

    def _heard(self) -> None:
        self._heard_at = time.monotonic()
        if self._in_trouble:
            self._in_trouble = False
            self._on_trouble(None)

    def _endure(self, error: Exception) -> None:
        """Return when it is worth trying again, raise when it is not."""
        if isinstance(error, ApiError) and not _passing(error):
            raise error
        away_s = time.monotonic() - self._heard_at
        if away_s > PATIENCE_S:
            raise unreachable(
                f"The API at {self._client.api_url} has not answered for {away_s:.0f} s. The task "
                f"goes on without us; come back with: roadmap watch {self._task_id}"
            ) from None
        if not self._in_trouble:
            self._in_trouble = True
            self._on_trouble(str(error) or type(error).__name__)
        try:
            self._client.find_again()
        except CommandError:
            return  # no stack.json at the moment: the stack is being started anew


def _passing(error: ApiError) -> bool:
    return error.exit_code is ExitCode.UNREACHABLE or error.status == _TOO_MANY
