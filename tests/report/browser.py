"""A real Chromium without a window, driven by its DevTools protocol.

It opens a page, answers questions, and notes every request and every complaint.
"""

import asyncio
import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-extensions", "--disable-sync", "--hide-scrollbars", "--mute-audio"),
    "--remote-debugging-port=0",
)
LISTENS = "DevTools listening on ws://"
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@dataclass
class Window:
    """One page in the browser."""

    socket: aiohttp.ClientWebSocketResponse
    requests: list[str] = field(default_factory=list)  # addresses, the page's own first
    complaints: list[str] = field(default_factory=list)
    number: int = 0
    loaded: bool = False

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.number += 1
        mine = self.number
        await self.socket.send_json({"id": mine, "method": method, "params": params})
        while True:
            told = await self.socket.receive_json(timeout=60)
            if told.get("id") == mine:
                assert "error" not in told, told
                return dict(told["result"])
            self.hear(told)

    def hear(self, told: dict[str, Any]) -> None:
        params = told.get("params", {})
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(params["args"]))
            case "Log.entryAdded":
                self.complaints.append(str(params["entry"]))
            case "Page.loadEventFired":
                self.loaded = True

    async def open(self, page: Path) -> None:
        for domain in ("Network", "Runtime", "Log", "Page"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=page.as_uri())
        while not self.loaded:
            self.hear(await self.socket.receive_json(timeout=60))
        await self.value(
            "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300)))"
        )

    async def value(self, expression: str) -> Any:
        answer = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def resize(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    async def picture(self) -> bytes:
        """Answer the window as a PNG."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=False)
        return base64.b64decode(shot["data"])


@contextmanager
def running() -> Iterator[str]:
    """Run a Chromium; answer where its DevTools listen."""
    assert CHROMIUM is not None, "see needs_chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        words = {**os.environ, "HOME": home}
        command = [CHROMIUM, *SWITCHES, f"--user-data-dir={home}/profile", "about:blank"]
        with subprocess.Popen(command, env=words, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                told = (line.strip() for line in process.stderr)
                address = next(line for line in told if line.startswith(LISTENS))
                yield address.removeprefix(LISTENS).partition("/")[0]
            finally:
                process.kill()


def look(page: Path, ask: Callable[[Window], Awaitable[Any]]) -> Window:
    """Open a page in a real browser and ask; answer the window with all that it noted."""
    with running() as address:
        return asyncio.run(_look(address, page, ask))


async def _look(address: str, page: Path, ask: Callable[[Window], Awaitable[Any]]) -> Window:
    async with aiohttp.ClientSession() as session:
        async with session.put(f"http://{address}/json/new?about:blank") as answer:
            target = await answer.json()
        async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            window = Window(socket)
            await window.open(page)
            await ask(window)
            await window.value("0")  # hear what came meanwhile
            return window
