"""Model output is data, tokens stay secret, and foreign sites get what they are allowed."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncpg
import pytest
from playwright.async_api import expect

from tests.e2e.web.conftest import PICTURES
from tests.factories import until

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

    from tests.e2e.web.browser import Watched
    from tests.e2e.web.conftest import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TRAP: Final = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
DIAGRAM: Final = "graph TD; A[<b>Borrow</b>] --> B"
CORPUS: Final = [
    TRAP,
    "<svg onload=window.hacked=1>",
    "<iframe srcdoc='<script>top.hacked=1</script>'></iframe>",
    "[click](javascript:window.hacked=1)",
    "[click](JaVaScRiPt:window.hacked=1)",
    "[click](data:text/html,<script>window.hacked=1</script>)",
    "![picture](https://stranger.example/pixel.png)",
    "![picture](https://pictures.example@stranger.example/pixel.png)",
    "![a kite](https://pictures.example/kite.svg)",
    '[a](https://stranger.example "onmouseover=window.hacked=1")',
    "<a href='https://stranger.example' onclick='window.hacked=1'>here</a>",
    f"```mermaid\n{DIAGRAM}\n```",
    "<style>body{display:none}</style>",
    "`<script>window.hacked=1</script>`",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.hacked=1>",
    "| a |\n| --- |\n| <img src=x onerror=window.hacked=1> |",
]


async def poison(site: Site, task_id: str) -> None:
    """Let everything that a model writes into a finished roadmap be hostile."""
    url = site.stack.info["database_url"].replace("+asyncpg", "")
    markdown = "# Title\n\n" + "\n\n".join(CORPUS)
    resources = [
        {
            "title": TRAP,
            "url": url,
            "type": "article",
            "language": "en",
            "why": TRAP,
            "verified": True,
        }
        for url in ("https://example.org/a", "javascript:window.hacked=1")
    ]
    quiz = {
        "question": TRAP,
        "kind": "single",
        "options": [TRAP, "b"],
        "correct": [0],
        "explanation": TRAP,
    }
    bodies = {
        "tutorial": {"markdown": markdown},
        "resources": {"resources": resources},
        "quiz": {"questions": [quiz]},
    }
    connection = await asyncpg.connect(url)
    roadmap_id = await connection.fetchval(
        "UPDATE roadmap_tasks SET goal = $2 WHERE task_id = $1 RETURNING roadmap_id", task_id, TRAP
    )
    for kind, body in bodies.items():
        await connection.execute(
            "UPDATE contents SET body = $3 WHERE roadmap_id = $1 AND kind = $2",
            roadmap_id,
            kind,
            json.dumps(body),
        )
    await connection.execute("DELETE FROM renderings")  # made from the text before
    await connection.execute(
        "UPDATE roadmaps SET title = $2, summary = $2 WHERE roadmap_id = $1", roadmap_id, TRAP
    )
    await connection.execute("UPDATE stages SET title = $2 WHERE roadmap_id = $1", roadmap_id, TRAP)
    await connection.execute(
        "UPDATE concepts SET title = $2, description = $2 WHERE roadmap_id = $1", roadmap_id, TRAP
    )
    await connection.execute(
        "UPDATE notifications SET message = $2, read_at = NULL WHERE task_id = $1", task_id, TRAP
    )
    await connection.execute(
        "UPDATE task_events SET payload = jsonb_set(payload, '{message}', $2) WHERE task_id = $1",
        task_id,
        json.dumps(TRAP),
    )
    await connection.close()


KITE: Final = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'/>"


async def _one_picture_is_shown(window: Watched, asked: list[dict[str, str]]) -> None:
    """That of the host that is allowed, asked for without telling who reads what; no other can."""
    page = window.page
    picture = page.locator("main img")
    await expect(picture).to_have_count(1)
    await picture.scroll_into_view_if_needed()
    await until(lambda: picture.evaluate("e => e.naturalWidth === 40"), what="the picture")
    assert not {"cookie", "referer"} & asked[0].keys()
    assert {urlsplit(address).netloc for address in window.strangers} == {PICTURES}
    blocked = await page.evaluate(
        "host => new Promise((done) => {"
        " addEventListener('securitypolicyviolation', (event) => done(event.blockedURI));"
        " new Image().src = `https://${host}.stranger.example/pixel.png`; })",
        PICTURES,
    )
    assert "stranger" in blocked
    window.errors.clear()  # the browser's word about what it blocked, and that it was wanted
    window.strangers.clear()


async def _a_diagram_is_code_with_a_name(page: Page) -> None:
    """What a Mermaid block is stands beside it, and it can be copied to where they are drawn."""
    box = page.locator(".code", has_text="graph TD")
    await expect(box.locator(".code-language")).to_have_text("Diagram, as Mermaid code")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await box.get_by_role("button", name="Copy the code").click()
    assert (await page.evaluate("navigator.clipboard.readText()")).strip() == DIAGRAM
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_role("button", name="Copied", exact=True)).to_be_visible()


async def test_hostile_model_output_is_inert(site: Site, window: Watched) -> None:
    """Whatever a model writes, wherever it is shown, is text: nothing runs, nothing loads."""
    task_id = site.create("learn JavaScript")
    site.wait(task_id, "completed")
    await poison(site, task_id)
    roadmap_id = site.get(f"/tasks/{task_id}")["roadmap_id"]
    concept_id = site.concepts(roadmap_id)[0]["concept_id"]
    asked: list[dict[str, str]] = []

    async def kite(route: Route) -> None:
        asked.append(await route.request.all_headers())
        await route.fulfill(content_type="image/svg+xml", body=KITE)

    await window.page.route(f"https://{PICTURES}/**", kite)
    page = await window.open(f"/roadmaps/{roadmap_id}/concepts/{concept_id}")
    await expect(page.locator("h1")).to_have_text(TRAP)
    await _one_picture_is_shown(window, asked)
    await _a_diagram_is_code_with_a_name(page)
    await expect(page.locator(".prose")).to_contain_text("<svg onload=window.hacked=1>")
    await expect(page.locator("a[href^='javascript' i], a[href^='data' i]")).to_have_count(0)
    await expect(page.locator(".resource")).to_have_count(1)
    link = page.locator(".resource a")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await page.locator("#quiz input").first.check()
    await page.get_by_role("button", name="Check my answers").click()
    await expect(page.locator(".explanation")).to_have_text(TRAP)
    for path in (
        f"/roadmaps/{roadmap_id}",
        f"/roadmaps/{roadmap_id}#map",
        f"/tasks/{task_id}",
        "/",
    ):
        await window.open(path)
        await expect(page.get_by_text(TRAP).first).to_be_attached()
    await page.get_by_role("button", name="Notifications").click()
    await expect(page.locator(".inbox-entry").first).to_contain_text(TRAP)
    await expect(page.locator("main img, main script, main iframe, main style")).to_have_count(0)
    assert await page.evaluate("window.hacked") is None


async def test_a_token_is_asked_for_and_never_stands_in_an_address(
    site: Site, window: Watched
) -> None:
    """Refused, the page asks for a token; streams are opened by tickets, the token stays put."""
    token = site.stack.info["token"]
    addresses: list[str] = []
    page = window.page
    page.on("request", lambda request: addresses.append(request.url))
    page.on("websocket", lambda socket: addresses.append(socket.url))
    await page.add_init_script("sessionStorage['roadmap.token'] ??= 'expired'")
    await page.goto(f"{site.base}/tasks/{site.tasks['review']}")
    await page.get_by_label("Token").fill("nonsense")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("This token is not valid here")).to_be_visible()
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator(".badge")).to_have_text("Live")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    sockets = [address for address in addresses if "/ws/tasks/" in address]
    assert sockets
    assert "ticket=" in sockets[-1]
    assert not [address for address in addresses if token in address]
    assert token not in json.dumps(await page.evaluate("({...localStorage})"))


async def test_a_foreign_site_follows_a_task(site: Site, window: Watched) -> None:
    """The example page, on another origin, uses the client module over CORS to the end."""
    page = window.page
    await page.goto(f"{site.foreign}/?api={site.base}")
    await page.get_by_label("Token").fill(site.stack.info["token"])
    await page.get_by_label("What to learn").fill("Play draughts well")
    await page.get_by_role("button", name="Go").click()
    await expect(page.locator("#state")).to_have_text("live by websocket")
    await expect(page.locator("#state")).to_have_text("ended")
    numbers = await page.locator("#log li").evaluate_all("all => all.map(e => e.value)")
    assert numbers == list(range(1, len(numbers) + 1))
    window.strangers.clear()  # the page itself is the stranger here


async def test_the_pages_headers(site: Site) -> None:
    """Pages allow one script of their own inline, no style and no frame; assets last for good."""
    page = site.api.get("/")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "style=" not in page.text
    [early] = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = b64encode(hashlib.sha256(early.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    [script] = [part.split('"')[0] for part in page.text.split('type="module" src="')[1:]]
    asset = site.api.get(script)
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-type"].startswith("text/javascript")
    plain = site.api.get("/static/roadmap-client.js")
    assert plain.headers["cache-control"] == "no-cache"
    again = site.api.get(
        "/static/roadmap-client.js", headers={"If-None-Match": plain.headers["etag"]}
    )
    assert again.status_code == 304
    for nothing in ("/static/page.html", "/static/../app.py", "/static/%2e%2e/app.py", "/tasks/x"):
        assert site.api.get(nothing).status_code == 404
