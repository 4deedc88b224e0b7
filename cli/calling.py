"""Waits for what our Python client is asked, and says why when no answer comes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from cli.api_errors import explain
from cli.discovery import find_target
from cli.exits import CommandError, unreachable, usage
from cli.troubles import readiness, what_is_down, why_unreachable
from roadmap_client import ProblemError, RoadmapClient, RoadmapError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

R = TypeVar("R")

IMPATIENT_S: Final = 2.0
"""How long an answer may take before the API is asked what it misses; and again after that."""
SILENT_TWICE: Final = 2


class StandstillError(Exception):
    """A server stands still: waiting any longer is no use.

    Args:
        waited_s: How long it was waited for.
        report: What the API says of its readiness; nothing when it is silent.
    """

    def __init__(self, waited_s: float, report: dict[str, Any]) -> None:
        super().__init__(f"The API does not answer within {waited_s:.0f} s")
        self.waited_s = waited_s
        self.report = report


class Caller:
    """Asks the API of one stack, in an event loop of its own; failures become exit codes.

    Args:
        data_dir: Where `stack.json` is looked for when the environment names no API.
    """

    def __init__(self, data_dir: Path) -> None:
        """Find the stack; nothing is sent yet."""
        self._data_dir = data_dir
        target = find_target(data_dir)
        try:
            self._api = RoadmapClient(target.api_url, token=target.token, retries=1)
        except ValueError as error:  # the address was looked at with the settings
            raise usage(f"ROADMAP_TOKEN: {error}") from None
        self._runner = asyncio.Runner()

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return self._api.api_url

    def request(self, method: str, path: str, *, what: str, **kwargs: Any) -> dict[str, Any]:
        """Send any request; `what` names in messages what is asked for."""
        return self._run(self._api.request(method, path, **kwargs), what=what)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connections."""
        self._runner.run(self._api.aclose())
        self._runner.close()

    def _run(self, asked: Coroutine[Any, Any, R], *, what: str) -> R:
        """Wait for an answer, and see to it that nobody waits for a server that stands still."""
        try:
            return self._wait_for(self._looking_around(asked), what=what)
        except StandstillError as error:
            down = what_is_down(error.report, self._data_dir) if error.report else ""
            raise unreachable(
                f"The API does not answer within {error.waited_s:.0f} s.{down}"
                if down
                else why_unreachable(error, self._data_dir, self.api_url)
            ) from None

    def _wait_for(self, asked: Coroutine[Any, Any, R], *, what: str) -> R:
        try:
            return self._runner.run(asked)
        except ProblemError as problem:
            raise explain(
                problem, what=what, api_url=self.api_url, data_dir=self._data_dir
            ) from None
        except RoadmapError as error:
            raise unreachable(why_unreachable(error, self._data_dir, self.api_url)) from None

    async def _looking_around(self, asked: Coroutine[Any, Any, R]) -> R:
        """Await an answer; when it takes long, ask the API what it misses.

        Raises:
            StandstillError: The database does not answer, or the API itself says nothing.
        """
        answer, silent, began = asyncio.ensure_future(asked), 0, time.monotonic()
        try:
            while not (await asyncio.wait({answer}, timeout=IMPATIENT_S))[0]:
                report = await asyncio.to_thread(readiness, self.api_url)
                silent = 0 if report else silent + 1
                if silent == SILENT_TWICE or report.get("postgresql") == "down":
                    raise StandstillError(time.monotonic() - began, report)
            return answer.result()
        finally:
            answer.cancel()

    def _find_again(self) -> None:
        """Read again where the API is: a stack that was started anew may have moved."""
        try:
            target = find_target(self._data_dir)
        except CommandError:
            return  # no stack.json at the moment: the stack is being started anew
        self._api.move(target.api_url, token=target.token)
