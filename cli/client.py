"""The API as the command line sees it: our Python client, waited for, its errors as exit codes."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import quote

from cli.data_dir import DEFAULT
from cli.discovery import find_target
from cli.exits import CommandError, failed, unreachable, usage
from cli.troubles import what_is_down, why_unreachable
from roadmap_client import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ProblemError,
    RoadmapClient,
    RoadmapError,
    ServerError,
    UnauthorizedError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from pathlib import Path
    from types import TracebackType

    from roadmap_client import Event

R = TypeVar("R")

PATIENCE_S: Final = 90.0
"""How long an API may be away before a watch gives up."""


class ApiError(CommandError):
    """The API answered with a problem."""

    def __init__(self, error: CommandError, *, status: int) -> None:
        """Keep the HTTP status beside the message."""
        super().__init__(error.message, error.exit_code)
        self.status = status


class Client:
    """Talks to the API of one stack. Answers are documents as the API sent them.

    Args:
        data_dir: Where `stack.json` is looked for when the environment names no API.
    """

    def __init__(self, data_dir: Path) -> None:
        """Find the stack; nothing is sent yet."""
        self._data_dir = data_dir
        target = find_target(data_dir)
        self._runner = asyncio.Runner()
        self._api = RoadmapClient(target.api_url, token=target.token, retries=1)

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return self._api.api_url

    def command(self, name: str, argument: str) -> str:
        """Return the command line that does something with the same stack."""
        words = ["roadmap", name, argument]
        if self._data_dir != DEFAULT:
            words += ["--data-dir", str(self._data_dir)]
        return shlex.join(words)

    def submit(
        self, goal: str, *, preferences: dict[str, Any] | None = None, review: bool
    ) -> dict[str, Any]:
        """Ask for a roadmap, once, however often it has to be sent."""
        asked = self._api.submit(goal, preferences=preferences, review=review)
        return self._run(asked, what="request").document()

    def tasks(
        self, *, status: str | None = None, cursor: str | None = None, limit: int
    ) -> dict[str, Any]:
        """Return a page of tasks, newest first."""
        asked = self._api.tasks(status=status or (), cursor=cursor, limit=limit)
        return self._run(asked, what="list").document()

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task."""
        return self._run(self._api.task(task_id), what=f"task {task_id}").document()

    def follow(
        self, task_id: str, *, on_trouble: Callable[[str | None], None]
    ) -> Generator[dict[str, Any]]:
        """Yield a task's events from the first to the last, live.

        Args:
            task_id: The task.
            on_trouble: Told once what is wrong while the API is away, and None when it is back.
        """
        away = False

        def trouble(error: RoadmapError | None) -> None:
            nonlocal away
            if error is not None:
                self._find_again()
            if away != (error is not None):
                away = error is not None
                on_trouble(None if error is None else str(error))

        events = self._api.follow(task_id, patience_s=PATIENCE_S, on_trouble=trouble)
        try:
            while event := self._run(_next(events), what=f"task {task_id}"):
                yield event.document()
        except CommandError as error:
            if isinstance(error, ApiError):
                raise
            again = self.command("watch", task_id)
            message = f"{error.message}\nThe task goes on without us; come back with: {again}"
            raise CommandError(message, error.exit_code) from None
        finally:
            self._runner.run(events.aclose())

    def events(self, task_id: str, *, after: int) -> dict[str, Any]:
        """Return the events after one."""
        return self._run(self._api.events(task_id, after=after), what=f"task {task_id}").document()

    def usage(self, task_id: str) -> dict[str, Any]:
        """Return what a task cost, step by step."""
        return self.request("GET", f"/api/v1/tasks/{task_id}/usage", what=f"task {task_id}")

    def review(self, task_id: str) -> dict[str, Any]:
        """Return the open review."""
        return self._run(self._api.review(task_id), what=f"open review of {task_id}").document()

    def decide(
        self, task_id: str, decision: dict[str, Any], *, version: int | None
    ) -> dict[str, Any]:
        """Decide the open review; a version says what was looked at."""
        asked = self._api.decide(task_id, **decision, version=version)
        return self._run(asked, what=f"open review of {task_id}").document()

    def retry(self, task_id: str) -> dict[str, Any]:
        """Have what failed done again."""
        return self._run(self._api.retry(task_id), what=f"task {task_id}").document()

    def cancel(self, task_id: str) -> dict[str, Any]:
        """Have a task stopped."""
        return self._run(self._api.cancel(task_id), what=f"task {task_id}").document()

    def roadmap(self, roadmap_id: str) -> dict[str, Any]:
        """Return a roadmap's tree."""
        return self._run(self._api.roadmap(roadmap_id), what=f"roadmap {roadmap_id}").document()

    def concept(self, roadmap_id: str, concept_id: str) -> dict[str, Any]:
        """Return a concept with its contents."""
        asked = self._api.concept(roadmap_id, concept_id)
        return self._run(asked, what=f"concept {concept_id}").document()

    def redis_report(self) -> dict[str, Any]:
        """Return the API's Redis connections."""
        return self.request("GET", "/api/v1/admin/redis", what="Redis report")

    def rejected(self, *, limit: int) -> dict[str, Any]:
        """Return the messages that no worker could take."""
        path = f"/api/v1/admin/queue/rejected?limit={limit}"
        return self.request("GET", path, what="list of rejected messages")

    def request(self, method: str, path: str, *, what: str, **kwargs: Any) -> dict[str, Any]:
        """Send any request; `what` names in messages what is asked for."""
        return self._run(self._api.request(method, path, **kwargs), what=what)

    def schedules(self) -> dict[str, Any]:
        """Return the maintenance jobs."""
        return self.request("GET", "/api/v1/admin/schedules", what="list of jobs")

    def schedule(self, name: str, verb: str) -> dict[str, Any]:
        """Pause, resume or run a maintenance job."""
        path = f"/api/v1/admin/schedules/{quote(name, safe='')}/{verb}"
        return self.request("POST", path, what=f"job {name}")

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._runner.run(self._api.aclose())
        self._runner.close()

    def _run(self, asked: Coroutine[Any, Any, R], *, what: str) -> R:
        try:
            return self._runner.run(asked)
        except ProblemError as problem:
            raise self._problem(problem, what=what) from None
        except RoadmapError as error:
            raise unreachable(why_unreachable(error, self._data_dir, self.api_url)) from None

    def _problem(self, problem: ProblemError, *, what: str) -> ApiError:
        said = problem.detail
        match problem:
            case NotFoundError():
                error = usage(f"There is no such {what}, or it belongs to somebody else.")
            case UnauthorizedError() | ForbiddenError():
                error = usage(f"The API refused the token: {said} Get one with `roadmap token`.")
            case ServerError():
                down = what_is_down(self._data_dir, self.api_url)
                error = unreachable(f"The API cannot do this now: {said}{down}")
            case ConflictError():
                error = failed(said)
            case _:
                fields = (f"\n  {e.get('field')}: {e.get('message')}" for e in problem.errors)
                error = usage(said + "".join(fields))
        return ApiError(error, status=problem.status)

    def _find_again(self) -> None:
        """Read again where the API is: a stack that was started anew may have moved."""
        try:
            target = find_target(self._data_dir)
        except CommandError:
            return  # no stack.json at the moment: the stack is being started anew
        self._api.move(target.api_url, token=target.token)


async def _next(events: AsyncGenerator[Event]) -> Event | None:
    return await anext(events, None)
