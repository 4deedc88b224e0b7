"""A roadmap of any size without a worker: the API's answers and the socket's events, made up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from roadmaps.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Page, Route, WebSocketRoute

TASK = UUID(int=1)
ROADMAP = UUID(int=2)
AT = "2026-11-22T10:00:00.000Z"
TITLES = (
    "Concept number {}",
    "What the compiler does with number {}, and why it refuses to do anything else",
    "所有权与借用:编译器如何检查第{}个变量的生命周期以及它为什么会拒绝编译",
    "المفهوم رقم {} وما يحتاج إليه المتعلم قبل أن يبدأ به",
)
"""Short, long, wide, and from the right."""
NEEDS = (3, 7, 45)
"""How far before a concept stands what it needs."""


@dataclass
class BigRoadmap:
    """A task that writes the contents of many concepts; events are sent when the test says so."""

    concepts: int
    sockets: list[WebSocketRoute] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    async def install(self, page: Page) -> None:
        """Answer the page's requests instead of the API."""
        await page.route(f"**/api/v1/tasks/{TASK}", self._task)
        await page.route(f"**/api/v1/tasks/{TASK}/events**", self._events)
        await page.route(f"**/api/v1/roadmaps/{ROADMAP}", self._roadmap)
        await page.route(f"**/api/v1/roadmaps/{ROADMAP}/progress", self._progress)
        await page.route_web_socket(f"**/ws/tasks/{TASK}**", self._open)

    def content_events(self) -> Iterator[dict[str, Any]]:
        """Return two events for each content, in order."""
        for number in range(self.concepts):
            for kind in KINDS:
                for type_ in ("content_started", "content_completed"):
                    yield self._event(type_, str(_concept(number)), kind)

    def send(self, event: dict[str, Any]) -> None:
        """Send an event to the page."""
        self.log.append(event)
        self.sockets[-1].send(json.dumps(event))

    def _event(self, type_: str, concept_id: str, kind: str) -> dict[str, Any]:
        seq = len(self.log) + 1
        data = {"concept_id": concept_id, "concept_title": "Some", "kind": kind, "version": 1}
        return {
            "seq": seq,
            "task_id": str(TASK),
            "type": type_,
            "at": AT,
            "status": "processing",
            "current_step": "content_generation",
            "message": f"Event {seq}",
            "progress": {"done": seq // 2, "total": 3 * self.concepts, "percent": 20},
            "data": data,
        }

    def _open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)

    async def _task(self, route: Route) -> None:
        await route.fulfill(
            json={
                "task_id": str(TASK),
                "goal": "Learn everything",
                "status": "processing",
                "current_step": "content_generation",
                "roadmap_id": str(ROADMAP),
                "attempt": 1,
                "progress": {"done": 0, "total": 3 * self.concepts, "percent": 10},
                "error": None,
                "failed_contents": [],
                "usage": {"calls": 0, "tokens": 0},
                "last_seq": len(self.log),
                "created_at": AT,
                "started_at": AT,
                "finished_at": None,
            }
        )

    async def _events(self, route: Route) -> None:
        await route.fulfill(json={"events": [], "next_after": 0})

    async def _progress(self, route: Route) -> None:
        await route.fulfill(json={"concepts": []})

    async def _roadmap(self, route: Route) -> None:
        pending = {"status": "pending", "version": None, "error": None}
        concepts = [
            {
                "concept_id": str(_concept(number)),
                "title": TITLES[number % len(TITLES)].format(number),
                "description": "About it.",
                "estimated_hours": 2,
                "difficulty": "beginner",
                "prerequisites": [
                    str(_concept(number - back)) for back in NEEDS if number % back == back - 1
                ],
                "contents": dict.fromkeys(KINDS, pending),
            }
            for number in range(self.concepts)
        ]
        modules = [
            {
                "module_id": str(UUID(int=3000 + at)),
                "title": "Module",
                "concepts": concepts[at : at + 10],
            }
            for at in range(0, self.concepts, 10)
        ]
        stages = [
            {
                "stage_id": str(UUID(int=4000 + at)),
                "title": "Stage",
                "modules": modules[at : at + 6],
            }
            for at in range(0, len(modules), 6)
        ]
        await route.fulfill(
            json={
                "roadmap_id": str(ROADMAP),
                "task_id": str(TASK),
                "title": "Everything",
                "summary": "All of it.",
                "language": "en",
                "version": 1,
                "kinds": [
                    {"name": kind.name, "label": kind.label, "text": kind.text}
                    for kind in KINDS.values()
                ],
                "stages": stages,
            }
        )


def _concept(number: int) -> UUID:
    return UUID(int=10_000 + number)
