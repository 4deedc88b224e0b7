"""One stack and one browser for all tests of the pages; a window of its own for each test."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.e2e import bookshop, oddshop
from tests.e2e.conftest import RunningStack, starting_stacks
from tests.e2e.web.browser import Watched, chromium, new_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx
    from playwright.async_api import Browser

FAILS: Final = "Borrowing"
"""One concept of the Rust roadmap fails."""
GOALS: Final = {"done": "Play chess well", "partial": "Learn Rust", "review": "Learn SQL"}
PICTURES: Final = "pictures.example"
"""The host whose pictures are shown in texts."""
PAGE: Final = """\
export const results = {
  outline: ({ title, chapters }, { h }) =>
    h("p.drawn-by-author", {}, `${title} in ${chapters.length} chapters`),
};
"""
"""How the page of the stranger's workflow draws an outline."""
EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "foreign-site"


@dataclass(frozen=True)
class Site:
    """The running stack with a few tasks in it, a client of its API, and somebody else's site."""

    stack: RunningStack
    api: httpx.Client
    tasks: dict[str, str]
    foreign: str

    @property
    def base(self) -> str:
        """The address of the pages."""
        return str(self.stack.info["api_url"])

    def get(self, path: str) -> Any:
        """Read from the API."""
        answer = self.api.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, goal: str, *, review: bool = False) -> str:
        """Ask for a roadmap; return the task."""
        answer = self.api.post("/api/v1/tasks", json={"goal": goal, "review": review})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def wait(self, task_id: str, *statuses: str, within_s: float = 40) -> dict[str, Any]:
        """Follow a task until it is in one of the statuses, and return it."""
        deadline, after = time.monotonic() + within_s, 0
        while True:
            task: dict[str, Any] = self.get(f"/tasks/{task_id}")
            if task["status"] in statuses:
                return task
            assert time.monotonic() < deadline, f"{task_id} is {task['status']}"
            after = self.get(f"/tasks/{task_id}/events?after={after}&wait=2")["next_after"]

    def concepts(self, roadmap_id: str) -> list[dict[str, Any]]:
        """Return a roadmap's concepts in reading order."""
        tree = self.get(f"/roadmaps/{roadmap_id}")
        return [c for s in tree["stages"] for m in s["modules"] for c in m["concepts"]]

    def roadmap_of(self, name: str) -> str:
        """Return the roadmap of one of the prepared tasks."""
        return str(self.get(f"/tasks/{self.tasks[name]}")["roadmap_id"])


@pytest.fixture(scope="package")
def foreign_site() -> Iterator[str]:
    """The example page of a foreign site, on an origin of its own."""
    handler = partial(_Quiet, directory=str(EXAMPLE))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, name="foreign-site")
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without telling."""

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def _shop(folder: Path) -> Path:
    """Write a stranger's package whose workflow brings a module for its page."""
    title = 'title=lambda r: f"A book about {r.topic}"'
    assert title in bookshop.FLOWS
    flows = bookshop.FLOWS.replace(title, f'{title}, page="bookshop:static/book.js"')
    bookshop.written_to(folder, flows=flows)
    oddshop.added_to(folder)
    (folder / "bookshop" / "static").mkdir()
    (folder / "bookshop" / "static" / "book.js").write_text(PAGE)
    return folder


@pytest.fixture(scope="package")
def site(
    tmp_path_factory: pytest.TempPathFactory, foreign_site: str, prepared: Path
) -> Iterator[Site]:
    """A stack with a finished, a partly failed and a task under review."""
    with pytest.MonkeyPatch.context() as patch, starting_stacks(prepared) as start:
        patch.setenv("PYTHONPATH", str(_shop(tmp_path_factory.mktemp("shop"))))
        folder = tmp_path_factory.mktemp("web") / "data"
        stack = start(
            folder,
            "--no-flower",
            SAMPLE_LATENCY_S="0.1",
            SAMPLE_FAIL=FAILS,
            CORS_ORIGINS=foreign_site,
            IMAGE_HOSTS=PICTURES,
            TRUSTED_PROXIES="127.0.0.1",  # for tests/e2e/web/test_sub_path.py
        )
        with stack.client() as api:
            site = Site(stack, api, {}, foreign_site)
            for name, goal in GOALS.items():
                site.tasks[name] = site.create(goal, review=name == "review")
            site.wait(site.tasks["done"], "completed")
            site.wait(site.tasks["partial"], "partial_failure")
            site.wait(site.tasks["review"], "human_review_pending")
            yield site


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for the package."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def window(site: Site, browser: Browser) -> AsyncIterator[Watched]:
    """A page in a window of its own; at the end nothing must have gone wrong in it."""
    context = await new_context(browser, stack=site.stack.folder)
    watched = Watched(await context.new_page(), site.base)
    yield watched
    for page in context.pages:  # a request that a test held is none of the next one's
        await page.unroute_all(behavior="ignoreErrors")
    await context.close()
    watched.check()
