"""Firefox as Debian has it, driven by WebDriver BiDi: as much as one way through the pages needs.

Playwright drives only a build of its own: what it asks of others this one does not know.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import connect

from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

LISTENS: Final = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
PREFERENCES: Final = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "intl.accept_languages": "en-GB",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#none",
    "toolkit.telemetry.enabled": False,
}
"""It asks nobody for anything, and speaks English."""
PATIENCE_S: Final = 60


class Tab:
    """One tab: opens addresses, runs functions in the page, waits for what they tell."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0
        self._context = ""
        self.errors: list[str] = []

    async def begin(self) -> None:
        """Take the window that there is, and hear of errors."""
        await self._send("session.new", capabilities={})
        await self._send("session.subscribe", events=["log.entryAdded"])
        tree = await self._send("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    async def open(self, address: str) -> None:
        """Go somewhere, and wait until it is loaded."""
        await self._send(
            "browsingContext.navigate", context=self._context, url=address, wait="complete"
        )

    async def run(self, expression: str) -> Any:
        """Return what an expression is in the page, as JSON has it."""
        told = await self._send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert told["type"] == "success", told
        return json.loads(told["result"]["value"])

    async def until(self, expression: str, *, what: str = "") -> None:
        """Wait until an expression is true in the page, on whatever page that may be."""

        async def holds() -> bool:
            try:
                return bool(await self.run(expression))
            except LookupError:  # the page is just being left
                return False

        await until(holds, within_s=PATIENCE_S, what=what or expression)

    async def click(self, selector: str, text: str = "") -> None:
        """Click on the first element of a kind with these words, once it is there."""
        found = (
            f"[...document.querySelectorAll({json.dumps(selector)})].find((each) => each"
            f".checkVisibility() && each.textContent.includes({json.dumps(text)}))"
        )
        await self.until(f"!!{found}", what=f"{selector} with {text!r}")
        await self.run(f"{found}.click()")

    async def _send(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result; events that come before it are noted.

        Raises:
            LookupError: The browser refuses it.
        """
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        await self._socket.send(json.dumps(command))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = json.loads(await self._socket.recv())
                if message.get("id") == self._last:
                    break
                if message.get("params", {}).get("level") == "error":
                    self.errors.append(str(message["params"].get("text")))
        if message["type"] == "error":
            raise LookupError(f"{method}: {message['error']}, {message.get('message')}")
        return message["result"]


@asynccontextmanager
async def firefox(path: str, profile: Path) -> AsyncIterator[Tab]:
    """Run a Firefox without a window, with a profile of its own."""
    lines = [f"user_pref({json.dumps(key)}, {json.dumps(on)});" for key, on in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    process = await asyncio.create_subprocess_exec(
        *(path, "--headless", "--no-remote", "--profile", str(profile)),
        *("--remote-debugging-port=0", "--width=1440", "--height=900", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with connect(f"{await _address(process)}/session", max_size=None) as socket:
            tab = Tab(socket)
            await tab.begin()
            yield tab
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        async for line in process.stderr:
            if found := LISTENS.search(line.decode(errors="replace")):
                return found[1]
    raise RuntimeError("Firefox ended before it listened")
