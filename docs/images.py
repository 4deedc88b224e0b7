"""Takes the pictures of the documentation from the real pages: `make images`.

Starts a stack of its own in a temporary folder, with a latency at which one can watch, and Debian's
chromium.
"""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image
from playwright.async_api import expect

from tests.e2e.conftest import RunningStack, starting_stacks
from tests.e2e.web.browser import DESK, PHONE, chromium, new_context
from tests.factories import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, ViewportSize

FOLDER: Final = Path(__file__).parent / "images"
EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "report"
GOAL: Final = "Learn Rust"
FRAME_S: Final = 0.2
FRAME_SIZE: Final[ViewportSize] = {"width": 1200, "height": 1080}
SHOWN_SIZE: Final = (900, 810)
LAST_FRAME_MS: Final = 3000
COLOURS: Final = 200


async def capture(stack: RunningStack) -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    async with chromium() as browser:
        with stack.client() as api:
            watched = _ask(api, GOAL, review=False)
            await _animation(browser, stack, watched)
            review = _ask(api, "learn to bake sourdough bread", review=True)
            await _round_of_review(api, review)
            report = await _report(api)
            roadmap = api.get(f"/api/v1/tasks/{watched}").json()["roadmap_id"]
            tree = api.get(f"/api/v1/roadmaps/{roadmap}").json()
            concepts = [c for s in tree["stages"] for m in s["modules"] for c in m["concepts"]]
            base = f"/api/v1/roadmaps/{roadmap}/concepts"
            for concept in concepts[:3]:
                api.put(f"{base}/{concept['concept_id']}/done")
        concept = f"/roadmaps/{roadmap}/concepts/{concepts[3]['concept_id']}"
        pages: list[tuple[str, str, Any, Any]] = [
            ("home", "/", DESK, "light"),
            ("home-phone", "/", PHONE, "dark"),
            ("task", f"/tasks/{watched}", DESK, "light"),
            ("task-dark", f"/tasks/{watched}", DESK, "dark"),
            ("task-phone", f"/tasks/{watched}", PHONE, "light"),
            ("review", f"/tasks/{review}/review", DESK, "light"),
            ("review-phone", f"/tasks/{review}/review", PHONE, "dark"),
            ("roadmap", f"/roadmaps/{roadmap}", DESK, "light"),
            ("map", f"/roadmaps/{roadmap}#map", DESK, "dark"),
            ("concept", concept, DESK, "light"),
            ("quiz", f"{concept}#quiz", DESK, "light"),
            ("concept-phone", concept, PHONE, "dark"),
            ("operations", "/operations", DESK, "dark"),
            ("report", f"/tasks/{report}", DESK, "light"),
        ]
        for name, path, size, scheme in pages:
            context = await new_context(
                browser, stack=stack.folder, viewport=size, color_scheme=scheme
            )
            page = await context.new_page()
            await page.goto(stack.info["api_url"] + path)
            await expect(page.locator("main h1")).to_be_visible()
            await page.wait_for_load_state("networkidle")
            await _prepare(page, name)
            _save(await page.screenshot(animations="disabled"), name)
            await context.close()


def _ask(api: Any, goal: str, *, review: bool) -> str:
    answer = api.post("/api/v1/tasks", json={"goal": goal, "review": review})
    return str(answer.json()["task_id"])


async def _waits(api: Any, task_id: str) -> bool:
    return bool(api.get(f"/api/v1/tasks/{task_id}").json()["status"] == "human_review_pending")


async def _round_of_review(api: Any, task_id: str) -> None:
    """Send the first outline back, so that the second shows what changed."""
    wish = {"decision": "reject", "feedback": "Add a module about baking with children"}
    for _ in range(2):
        await until(lambda: _waits(api, task_id), what="the review")
        if api.get(f"/api/v1/tasks/{task_id}/review").json()["round"] == 1:
            api.post(f"/api/v1/tasks/{task_id}/review", json=wish)


async def _report(api: Any) -> str:
    """Have the example's report written; return its task."""
    request = {"company": "Acme", "depth": "thorough"}
    asked = api.post("/api/v1/workflows/report/tasks", json={"request": request, "review": False})
    task = str(asked.json()["task_id"])

    async def ended() -> bool:
        return bool(api.get(f"/api/v1/tasks/{task}").json()["status"] == "completed")

    await until(ended, what="the report", within_s=120)
    return task


async def _prepare(page: Page, name: str) -> None:
    """Show what the picture is about."""
    if name in {"task", "task-dark"}:
        await page.locator(".failure-list button").click()
        await expect(page.locator(".concept-panel .cause").first).to_be_visible()
    elif name == "quiz":
        for question in await page.locator("#quiz fieldset").all():
            await question.locator("input").nth(1).check()
        await page.get_by_role("button", name="Check my answers").click()
        await expect(page.locator(".score-line")).to_be_visible()
        await page.locator("#quiz").scroll_into_view_if_needed()
    elif name == "operations":
        await expect(page.locator(".is-redis dl")).to_be_visible()


async def _animation(browser: Browser, stack: RunningStack, task_id: str) -> None:
    """Film a roadmap filling, from the first step to the end."""
    context = await new_context(
        browser, stack=stack.folder, viewport=FRAME_SIZE, color_scheme="light"
    )
    page = await context.new_page()
    await page.goto(f"{stack.info['api_url']}/tasks/{task_id}")
    frames: list[Image.Image] = []
    chip = page.locator(".task-line .chip")
    while not frames or await chip.text_content() in {"Working", "Waiting for a worker"}:
        frames.append(_frame(await page.screenshot()))
        await asyncio.sleep(FRAME_S)
    await expect(page.locator(".badge")).to_have_text("Up to date")
    frames.append(_frame(await page.screenshot()))
    await context.close()
    times = [round(FRAME_S * 1000) + 60] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(
        FOLDER / "filling.webp",
        save_all=True,
        append_images=frames[1:],
        duration=times,
        loop=0,
        quality=60,
        method=6,
        minimize_size=True,
    )


def _frame(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB").resize(SHOWN_SIZE, Image.Resampling.LANCZOS)


def _save(png: bytes, name: str) -> None:
    """Keep a picture small: few colours are enough for pages."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)


def main() -> None:
    """Start a stack, take the pictures, stop it."""
    os.environ["PYTHONPATH"] = str(EXAMPLE)
    with tempfile.TemporaryDirectory() as folder, starting_stacks() as start:
        stack = start(
            Path(folder) / "data",
            SAMPLE_LATENCY_S="0.7",
            SAMPLE_FAIL="Borrowing",
            CONTENT_CONCURRENCY="3",
            WORKFLOWS="company_report.flow:report",
        )
        asyncio.run(capture(stack))


if __name__ == "__main__":
    main()
