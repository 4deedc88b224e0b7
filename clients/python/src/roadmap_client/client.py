"""The client: one method per use of the API."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from roadmap_client.answer import Answer
from roadmap_client.errors import UnexpectedAnswerError
from roadmap_client.following import PATIENCE_S, Follower
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
from roadmap_client.transport import BASE, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from roadmap_client.errors import RoadmapError
    from roadmap_client.models import Event

A = TypeVar("A", bound=Answer)


class RoadmapClient:
    """An API of roadmap-worker. Use it as `async with`, in one event loop.

    Every method raises `ProblemError` (or the subclass that says which) when the API answers with a
    problem, and `UnreachableError` when it does not answer. What failed in passing is sent again by
    itself where that cannot do anything twice.

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
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = await self.request(
            "POST", f"{BASE}/tasks", repeatable=True, json=body, headers=headers
        )
        return _read(Task, answer)

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
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        path = f"{BASE}/workflows/{_segment(workflow)}/tasks"
        answer = await self.request("POST", path, repeatable=True, json=body, headers=headers)
        return _read(Task, answer)

    async def workflows(self) -> WorkflowPage:
        """Return the workflows that can be asked for, with the shapes of their requests."""
        return _read(WorkflowPage, await self.request("GET", f"{BASE}/workflows"))

    async def task(self, task_id: str) -> Task:
        """Return a task as it is now."""
        return _read(Task, await self.request("GET", _task(task_id)))

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
        given = {"workflow": workflow, "q": q, "cursor": cursor}
        params: dict[str, Any] = {"limit": limit, "status": wanted} | _given(given)
        return _read(TaskPage, await self.request("GET", f"{BASE}/tasks", params=params))

    async def events(self, task_id: str, *, after: int = 0) -> EventPage:
        """Return a page of a task's event log after a number."""
        path = f"{_task(task_id)}/events"
        return _read(EventPage, await self.request("GET", path, params={"after": after}))

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
            quote(task_id, safe=""),
            after=after,
            transient=transient,
            patience_s=patience_s,
            on_trouble=on_trouble,
        )
        return follower.events()

    async def review(self, task_id: str) -> Review:
        """Return a task's open review."""
        return _read(Review, await self.request("GET", f"{_task(task_id)}/review"))

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
        given = {"feedback": feedback, "edits": changes, "value": value, "then": then}
        body = {"decision": decision} | _given(given)
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        path = f"{_task(task_id)}/review"
        return _read(Task, await self.request("POST", path, json=body, headers=headers))

    async def retry(self, task_id: str) -> Task:
        """Have what failed, and only that, done again."""
        return _read(Task, await self.request("POST", f"{_task(task_id)}/retry"))

    async def cancel(self, task_id: str) -> Task:
        """Stop a task; a retry goes on from there."""
        return _read(Task, await self.request("POST", f"{_task(task_id)}/cancel"))

    async def roadmap(self, roadmap_id: str) -> Roadmap:
        """Return a roadmap's tree."""
        return _read(Roadmap, await self.request("GET", _roadmap(roadmap_id)))

    async def concept(self, roadmap_id: str, concept_id: str) -> ConceptPage:
        """Return a concept with the newest version of each content."""
        path = f"{_roadmap(roadmap_id)}/concepts/{quote(concept_id, safe='')}"
        return _read(ConceptPage, await self.request("GET", path))

    async def regenerate(self, roadmap_id: str, concept_id: str, kinds: Sequence[str]) -> Task:
        """Have contents of a concept written anew; return the task that does it."""
        path = f"{_roadmap(roadmap_id)}/concepts/{quote(concept_id, safe='')}/regenerate"
        return _read(Task, await self.request("POST", path, json={"kinds": list(kinds)}))

    async def results(self, task_id: str) -> Results:
        """Return what a task's finished steps gave, by step."""
        return _read(Results, await self.request("GET", f"{_task(task_id)}/results"))

    async def parts(
        self,
        task_id: str,
        *,
        step: str | None = None,
        key: str | None = None,
        status: str | Sequence[str] = (),
        cursor: str | None = None,
        limit: int = 200,
    ) -> PartPage:
        """Return a page of a task's parts and where each is, by step, key and kind.

        Args:
            task_id: The task.
            step: Only of this step.
            key: Only of this key.
            status: Only `pending`, `running`, `completed` or `failed` ones.
            cursor: `next_cursor` of the page before.
            limit: How many at most.
        """
        wanted = [status] if isinstance(status, str) else list(status)
        given = {"step": step, "key": key, "cursor": cursor}
        params: dict[str, Any] = {"limit": limit, "status": wanted} | _given(given)
        return _read(PartPage, await self.request("GET", f"{_task(task_id)}/parts", params=params))

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
        params = _given({"kind": kind, "version": version})
        return _read(PartBody, await self.request("GET", _part(task_id, step, key), params=params))

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
        body = _given({"kinds": chosen, "instruction": instruction})
        path = f"{_part(task_id, step, key)}/regenerate"
        return _read(Task, await self.request("POST", path, json=body))

    async def request(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """Send any request and return its document: for what has no method of its own here."""
        return await self._transport.call(method, path, **kwargs)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close the connections."""
        await self.aclose()


_NAMED = 5


def _read(model: type[A], document: dict[str, Any]) -> A:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        wrong = sorted({".".join(map(str, entry["loc"])) for entry in error.errors()})
        raise UnexpectedAnswerError(
            "This client cannot read the answer: missing or of another kind is"
            f" {', '.join(wrong[:_NAMED])}. Use client and API of the same release"
        ) from error


def _task(task_id: str) -> str:
    return f"{BASE}/tasks/{quote(task_id, safe='')}"


def _roadmap(roadmap_id: str) -> str:
    return f"{BASE}/roadmaps/{quote(roadmap_id, safe='')}"


def _part(task_id: str, step: str, key: str) -> str:
    return f"{_task(task_id)}/parts/{_segment(step)}/{_segment(key)}"


def _segment(word: str) -> str:
    """Return a word as a part of an address, also one that would lead to another folder."""
    quoted = quote(word, safe="")
    return quoted.replace(".", "%2E") if word in {".", ".."} else quoted


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
