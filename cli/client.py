"""The API as the command line sees it: one method for each thing that a command asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from cli.ahead import Ahead
from cli.api_errors import ApiError
from cli.calling import Caller
from cli.exits import CommandError
from cli.hints import command
from cli.ids import MOST_CANDIDATES, only_one, part_of_id, whole_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from roadmap_client import RoadmapError

_NOT_FOUND: Final = 404
PATIENCE_S: Final = 90.0
"""How long an API may be away before a watch gives up."""


class Client(Caller):
    """Talks to the API of one stack. Answers are documents as the API sent them."""

    def submit(
        self, goal: str, *, preferences: dict[str, Any] | None = None, review: bool
    ) -> dict[str, Any]:
        """Ask for a roadmap, once, however often it has to be sent."""
        asked = self._api.submit(goal, preferences=preferences, review=review)
        return self._run(asked, what="request").document()

    def run(self, workflow: str, request: dict[str, Any], *, review: bool | None) -> dict[str, Any]:
        """Ask for a task of any workflow, once, however often it has to be sent."""
        asked = self._api.run(workflow, request, review=review)
        return self._run(asked, what=f"workflow {workflow}").document()

    def workflows(self) -> dict[str, Any]:
        """Return the workflows that can be asked for."""
        return self._run(self._api.workflows(), what="list of workflows").document()

    def tasks(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> dict[str, Any]:
        """Return a page of tasks, newest first."""
        asked = self._api.tasks(status=status or (), workflow=workflow, cursor=cursor, limit=limit)
        return self._run(asked, what="list").document()

    def full_id(self, given: str) -> str:
        """Return the id of the task of which somebody gave the id, an end or a beginning of it.

        Roadmaps have ids, too: a part of one names the task that made it.

        Raises:
            CommandError: It names no task, or several.
        """
        if (whole := whole_id(given)) is not None:
            return whole
        part = part_of_id(given)
        asked = {"id": part, "limit": MOST_CANDIDATES}
        page = self.request("GET", "/api/v1/tasks", what="list", params=asked)
        return only_one(page["tasks"], part=part, more=page.get("next_cursor") is not None)

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task."""
        return self._run(self._api.task(task_id), what=f"task {task_id}").document()

    def follow(
        self, task_id: str, *, silence_s: float, on_trouble: Callable[[str | None], None]
    ) -> Generator[dict[str, Any] | None]:
        """Yield a task's events from the first to the last, live; None when none comes for a while.

        Args:
            task_id: The task.
            silence_s: The while.
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

        events = Ahead(self._api.follow(task_id, patience_s=PATIENCE_S, on_trouble=trouble))
        try:
            while True:
                came = self._wait_for(events.came(within_s=silence_s), what=f"task {task_id}")
                event = events.take() if came else None
                if came and event is None:
                    return
                yield None if event is None else event.document()
        except CommandError as error:
            if isinstance(error, ApiError):
                raise
            again = command("watch", task_id)
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

    def version(self, task_id: str) -> int:
        """Return the version under review; 0, which none is, where no review is open.

        A decision about 0 is then refused by the API, which knows why nothing is left to decide.
        """
        try:
            return int(self.review(task_id)["version"])
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return 0

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

    def results(self, task_id: str, *, parts: bool) -> dict[str, Any]:
        """Return what a task's finished steps gave, those that make parts included or not."""
        asked = self._api.results(task_id, parts=parts)
        return self._run(asked, what=f"task {task_id}").document()

    def parts(
        self, task_id: str, *, step: str | None = None, kind: str | None = None
    ) -> list[dict[str, Any]]:
        """Return all parts of a task, of one of its steps or of one kind, and where each is."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            asked = self._api.parts(task_id, step=step, kind=kind, cursor=cursor, limit=1000)
            page = self._run(asked, what=f"task {task_id}").document()
            found += page["parts"]
            if (cursor := page.get("next_cursor")) is None:
                return found

    def part(self, task_id: str, step: str, key: str, *, kind: str) -> dict[str, Any]:
        """Return a part with what was made."""
        asked = self._api.part(task_id, step, key, kind=kind)
        return self._run(asked, what=f"part {key} of {step}").document()

    def user(self) -> str | None:
        """Return whom our token speaks for; None where an older API does not tell."""
        try:
            session = self.request("GET", "/api/v1/session", what="session")
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            return None
        return str(session["user_id"])

    def redis_report(self) -> dict[str, Any]:
        """Return the API's Redis connections."""
        return self.request("GET", "/api/v1/admin/redis", what="Redis report")

    def rejected(self, *, limit: int) -> dict[str, Any]:
        """Return the messages that no worker could take."""
        path = f"/api/v1/admin/queue/rejected?limit={limit}"
        return self.request("GET", path, what="list of rejected messages")

    def schedules(self) -> dict[str, Any]:
        """Return the maintenance jobs."""
        return self.request("GET", "/api/v1/admin/schedules", what="list of jobs")

    def schedule(self, name: str, verb: str) -> dict[str, Any]:
        """Pause, resume or run a maintenance job."""
        path = f"/api/v1/admin/schedules/{quote(name, safe='')}/{verb}"
        return self.request("POST", path, what=f"job {name}")
