"""The client: one method per use of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from roadmap_client.connection import Connection, read
from roadmap_client.models import (
    ConceptPage,
    EventPage,
    PartBody,
    PartPage,
    Results,
    Review,
    Roadmap,
    Task,
    TaskPage,
    WorkflowPage,
)
from roadmap_client.paths import (
    BASE,
    given,
    key_header,
    part_path,
    roadmap_path,
    segment,
    task_path,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class RoadmapClient(Connection):
    """An API of roadmap-worker. Use it as `async with`, in one event loop.

    Every method raises `ProblemError` (or the subclass that says which) when the API answers with a
    problem, and `UnreachableError` when it does not answer. What failed in passing is sent again by
    itself where that cannot do anything twice.

    Args:
        api_url: Where the API is, as in `http://127.0.0.1:8000`.
        token: A bearer token; None for an API in `none` mode.
        retries: How often a request that failed in passing is sent again.
    """

    async def submit(
        self,
        goal: str,
        *,
        preferences: dict[str, Any] | None = None,
        review: bool = True,
        idempotency_key: str | None = None,
    ) -> Task:
        """Ask for a roadmap; return the task that makes it.

        Args:
            goal: What to learn.
            preferences: `level`, `hours_per_week`, `language`, `background`, `content_formats`.
            review: Stop for a human's decision before the contents are written.
            idempotency_key: The same key with the same request is the same task. By default a new
                one: however often this call has to send the request, there is one task. Give your
                own when the program itself may be started again.
        """
        body: dict[str, Any] = {"goal": goal, "review": review}
        if preferences:
            body["preferences"] = preferences
        headers = key_header(idempotency_key)
        answer = await self.request(
            "POST", f"{BASE}/tasks", repeatable=True, json=body, headers=headers
        )
        return read(Task, answer)

    async def run(
        self,
        workflow: str,
        request: dict[str, Any],
        *,
        review: bool | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Ask for a task of any workflow; return it.

        Args:
            workflow: Its name, as in `workflows`.
            request: What is asked for, in the workflow's own shape.
            review: False takes every review as approved.
            idempotency_key: As in `submit`.
        """
        body: dict[str, Any] = {"request": request}
        if review is not None:
            body["review"] = review
        headers = key_header(idempotency_key)
        path = f"{BASE}/workflows/{segment(workflow)}/tasks"
        answer = await self.request("POST", path, repeatable=True, json=body, headers=headers)
        return read(Task, answer)

    async def workflows(self) -> WorkflowPage:
        """Return the workflows that can be asked for, with the shapes of their requests."""
        return read(WorkflowPage, await self.request("GET", f"{BASE}/workflows"))

    async def task(self, task_id: str) -> Task:
        """Return a task as it is now."""
        return read(Task, await self.request("GET", task_path(task_id)))

    async def tasks(
        self,
        *,
        status: str | Sequence[str] = (),
        workflow: str | None = None,
        q: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> TaskPage:
        """Return a page of tasks, newest first; `next_cursor` leads to the next one.

        Args:
            status: Only these.
            workflow: Only those of this workflow.
            q: Only those with this in their goal or title.
            cursor: `next_cursor` of the page before.
            limit: How many at most.
        """
        wanted = [status] if isinstance(status, str) else list(status)
        options = {"workflow": workflow, "q": q, "cursor": cursor}
        params: dict[str, Any] = {"limit": limit, "status": wanted} | given(options)
        return read(TaskPage, await self.request("GET", f"{BASE}/tasks", params=params))

    async def events(self, task_id: str, *, after: int = 0) -> EventPage:
        """Return a page of a task's event log after a number."""
        path = f"{task_path(task_id)}/events"
        return read(EventPage, await self.request("GET", path, params={"after": after}))

    async def review(self, task_id: str) -> Review:
        """Return a task's open review."""
        return read(Review, await self.request("GET", f"{task_path(task_id)}/review"))

    async def decide(
        self,
        task_id: str,
        decision: Literal["approve", "reject", "edit"],
        *,
        feedback: str | None = None,
        edits: Sequence[dict[str, Any]] | None = None,
        value: Any = None,
        then: Literal["approve", "review"] | None = None,
        version: int | None = None,
    ) -> Task:
        """Decide a task's open review, once.

        Args:
            task_id: The task.
            decision: `approve`, `reject` (with `feedback`) or `edit` (with `edits` or `value`).
            feedback: What should change.
            edits: The changes to a roadmap, as in the API's documentation.
            value: What is to stand in place of the value under review, in any other workflow.
            then: What follows an edit: `approve`, the default, or another `review` of it.
            version: Decide only if this version is still under review.

        Raises:
            StaleVersionError: Another version is under review.
            ConflictError: Somebody decided it already, or nothing is under review.
        """
        changes = None if edits is None else list(edits)
        options = {"feedback": feedback, "edits": changes, "value": value, "then": then}
        body = {"decision": decision} | given(options)
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        path = f"{task_path(task_id)}/review"
        return read(Task, await self.request("POST", path, json=body, headers=headers))

    async def retry(self, task_id: str) -> Task:
        """Have what failed, and only that, done again."""
        return read(Task, await self.request("POST", f"{task_path(task_id)}/retry"))

    async def cancel(self, task_id: str) -> Task:
        """Stop a task; a retry goes on from there."""
        return read(Task, await self.request("POST", f"{task_path(task_id)}/cancel"))

    async def roadmap(self, roadmap_id: str) -> Roadmap:
        """Return a roadmap's tree."""
        return read(Roadmap, await self.request("GET", roadmap_path(roadmap_id)))

    async def concept(self, roadmap_id: str, concept_id: str) -> ConceptPage:
        """Return a concept with the newest version of each content."""
        path = f"{roadmap_path(roadmap_id)}/concepts/{segment(concept_id)}"
        return read(ConceptPage, await self.request("GET", path))

    async def regenerate(self, roadmap_id: str, concept_id: str, kinds: Sequence[str]) -> Task:
        """Have contents of a concept written anew; return the task that does it."""
        path = f"{roadmap_path(roadmap_id)}/concepts/{segment(concept_id)}/regenerate"
        return read(Task, await self.request("POST", path, json={"kinds": list(kinds)}))

    async def results(self, task_id: str, *, parts: bool = True) -> Results:
        """Return what a task's finished steps gave, by step.

        Args:
            task_id: The task.
            parts: With the steps that make parts.
        """
        params = {} if parts else {"parts": "false"}
        path = f"{task_path(task_id)}/results"
        return read(Results, await self.request("GET", path, params=params))

    async def parts(
        self,
        task_id: str,
        *,
        step: str | None = None,
        key: str | None = None,
        kind: str | None = None,
        status: str | Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 200,
    ) -> PartPage:
        """Return a page of a task's parts and where each is, in the order of steps and lists.

        Args:
            task_id: The task.
            step: Only of this step.
            key: Only of this key.
            kind: Only of this kind.
            status: Only `pending`, `running`, `completed` or `failed` ones.
            cursor: `next_cursor` of the page before.
            limit: How many at most.
        """
        wanted = [status] if isinstance(status, str) else list(status)
        options = {"step": step, "key": key, "kind": kind, "cursor": cursor}
        params: dict[str, Any] = {"limit": limit, "status": wanted} | given(options)
        return read(
            PartPage, await self.request("GET", f"{task_path(task_id)}/parts", params=params)
        )

    async def part(
        self,
        task_id: str,
        step: str,
        key: str,
        *,
        kind: str | None = None,
        version: int | None = None,
    ) -> PartBody:
        """Return a part with what was made; its `body` is None until there is something.

        Args:
            task_id: The task.
            step: The step that makes it.
            key: Names it within the step.
            kind: Which kind, where the step makes several of each key.
            version: By default the newest that can be read.
        """
        params = given({"kind": kind, "version": version})
        return read(
            PartBody, await self.request("GET", part_path(task_id, step, key), params=params)
        )

    async def regenerate_part(
        self,
        task_id: str,
        step: str,
        key: str,
        *,
        kinds: Sequence[str] | None = None,
        instruction: str | None = None,
    ) -> Task:
        """Have parts of a key made anew; return the task that does it.

        Args:
            task_id: The task.
            step: The step that makes them.
            key: Names them within the step.
            kinds: Which kinds; all by default.
            instruction: What is to be different.
        """
        chosen = None if kinds is None else list(kinds)
        body = given({"kinds": chosen, "instruction": instruction})
        path = f"{part_path(task_id, step, key)}/regenerate"
        return read(Task, await self.request("POST", path, json=body))
