"""Debian's Chromium, and what tests of pages ask of it.

Its build without windows has the same engine and takes half the work for each page.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from playwright.async_api import async_playwright, expect

from tests.e2e.conftest import signin_address
from tests.system_packages import find_program, need_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, BrowserContext, Page, Route, ViewportSize

ARGUMENTS: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COMPLAINTS: Final = ("Content Security Policy", "TrustedHTML", "Failed to decode downloaded font")
"""What a browser says on its console that is never right."""
PATIENCE_MS: Final = 20_000
PHONE: Final[ViewportSize] = {"width": 360, "height": 780}
DESK: Final[ViewportSize] = {"width": 1440, "height": 900}


@dataclass
class Watched:
    """A page, and what it should never do: fail, alert, or ask anybody else for anything."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen to the page."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(f"dialog {dialog.message}"))
        self.page.on("console", self._hear)
        self.page.on("request", self._see)

    def _hear(self, message: Any) -> None:
        if any(part in message.text for part in COMPLAINTS):
            self.errors.append(message.text)

    def _see(self, request: Any) -> None:
        own = (self.base, self.base.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            self.strangers.append(request.url)

    async def open(self, path: str) -> Page:
        """Go to a page of ours and wait until it has drawn itself."""
        await self.page.goto(self.base + path)
        await expect(self.page.locator("main h1")).to_be_visible()
        return self.page

    def check(self) -> None:
        """Nothing went wrong so far, and nobody else was asked."""
        assert not self.errors
        assert not self.strangers


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """Run Debian's Chromium, with further arguments."""
    path = find_program("chromium-headless-shell") or need_program("chromium")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, *arguments]
        )
        yield browser
        await browser.close()


async def new_context(browser: Browser, *, stack: Path, **options: Any) -> BrowserContext:
    """Open a window of a person who has just opened the address that `up` on a folder prints."""
    context = await browser.new_context(**{"viewport": DESK, "locale": "en-GB", **options})
    context.set_default_timeout(PATIENCE_MS)
    answer = await context.request.get(signin_address(stack))
    assert answer.ok, await answer.text()
    return context


async def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window.

    The body is as wide as the window without the room that is kept for a scroll bar.
    """
    width: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.body.offsetWidth"
    )
    return width


async def unavailable(route: Route) -> None:
    """Answer as an API that is away for a moment."""
    await route.fulfill(
        status=503, content_type="application/problem+json", json={"detail": "Away for a moment."}
    )
