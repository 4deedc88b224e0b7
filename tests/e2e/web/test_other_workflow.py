"""The page of a task of any other workflow: steps, parts and results, whatever they are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Page, Route, WebSocketRoute

    from tests.e2e.web.browser import Watched

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TASK: Final = UUID(int=77)
AT: Final = "2026-11-22T10:00:00.000Z"
TRAP: Final = "<img src=x onerror=window.hacked=1>"


def _task(status: str) -> dict[str, Any]:
    return {
        "task_id": str(TASK),
        "workflow": "book",
        "title": "A book about tides",
        "goal": "A book about tides",
        "status": status,
        "current_step": "chapters",
        "roadmap_id": None,
        "attempt": 1,
        "review": True,
        "progress": {"done": 1, "total": 2, "percent": 50},
        "error": None,
        "failed_contents": [],
        "usage": {"calls": 3, "tokens": 900},
        "last_seq": 4,
        "created_at": AT,
        "started_at": AT,
        "finished_at": None,
        "took_s": None,
        "time_left_s": {"p50": 40, "p90": 80},
        "line": None,
    }


def _event(seq: int, type_: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "seq": seq,
        "task_id": str(TASK),
        "type": type_,
        "at": AT,
        "status": "processing",
        "current_step": "chapters",
        "message": f"Event {seq}",
        "progress": {"done": 1, "total": 2, "percent": 50},
        "data": data,
    }


def _part(key: str, status: str) -> dict[str, Any]:
    return {
        "step": "chapters",
        "key": key,
        "kind": "text",
        "title": f"Chapter {key}",
        "status": status,
        "version": 1 if status != "pending" else None,
        "error": None,
    }


def _answering(answer: Any) -> Callable[[Route], Awaitable[None]]:
    async def answered(route: Route) -> None:
        await route.fulfill(json=answer)

    return answered


async def _install(page: Page) -> list[WebSocketRoute]:
    """Answer instead of the API."""
    sockets: list[WebSocketRoute] = []
    answers = {
        "": _task("processing"),
        "/events": {
            "events": [
                _event(1, "task_queued", {}),
                _event(2, "step_started", {"step": "plan_the_book", "round": 1}),
                _event(3, "step_completed", {"step": "plan_the_book", "duration_s": 2.0}),
                _event(4, "step_started", {"step": "chapters", "round": 1}),
            ],
            "next_after": 4,
        },
        "/results": {"results": {"plan_the_book": {"audience": TRAP, "chapters": ["1", "2"]}}},
        "/parts": {
            "parts": [_part("1", "completed"), _part("2/x", "pending")],
            "next_cursor": None,
        },
        "/parts/chapters/1": {
            **_part("1", "completed"),
            "body": {"text": TRAP, "sources": ["a", "b"]},
        },
    }
    for path, answer in answers.items():
        pattern = re.compile(rf"/api/v1/tasks/{TASK}{path}(\?.*)?$")
        await page.route(pattern, _answering(answer))

    def opened(socket: WebSocketRoute) -> None:
        sockets.append(socket)

    await page.route_web_socket(f"**/ws/tasks/{TASK}**", opened)
    return sockets


async def test_a_task_of_another_workflow_is_shown_by_its_parts(window: Watched) -> None:
    """Its steps have their names, an event marks a part, a body is read when it is opened."""
    sockets = await _install(window.page)
    page = await window.open(f"/tasks/{TASK}")
    await expect(page.locator(".rail")).to_contain_text("Plan the book")
    await expect(page.locator(".outlook")).to_contain_text("left")
    await expect(page.locator(".stage-count")).to_have_text("1 of 2 ready")
    await page.locator(".result summary").click()
    await expect(page.locator(".result")).to_contain_text(TRAP)
    await page.get_by_role("button", name="Chapter 1").click()
    await expect(page.locator(".part-body")).to_contain_text(TRAP)
    await expect(page.locator(".part-body")).to_contain_text("Sources")
    await expect(page.locator(".badge")).to_have_text("Live")
    done = {"step": "chapters", "key": "2/x", "kind": "text", "title": "Chapter 2", "version": 1}
    sockets[-1].send(json.dumps(_event(5, "content_completed", done)))
    await expect(page.locator(".stage-count")).to_have_text("2 of 2 ready")
    await expect(page.locator(".part-body")).to_contain_text(TRAP)
    assert (await Axe().run(page)).response["violations"] == []
    assert await page.evaluate("window.hacked") is None
