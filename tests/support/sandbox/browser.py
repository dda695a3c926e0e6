"""A real Chromium, driven over the DevTools protocol with aiohttp alone.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

REBOUND = "rebound.test"
"""A name whose owner has pointed it to this machine."""
BINARIES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Nothing but this machine can be looked up.
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)


def binary() -> str | None:
    """Return the path of a Chromium, if there is one."""
    return next((found for name in BINARIES if (found := shutil.which(name))), None)


class Page:
    """One tab. ``problems`` collects uncaught errors and refusals of the content security policy."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self._ids = itertools.count(1)
        self.problems: list[str] = []

    async def send(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        await self._ws.send_str(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads((await self._ws.receive(timeout=20.0)).data)
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(message["params"]["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.problems.append(message["params"]["entry"]["text"])

    async def evaluate(self, expression: str) -> Any:
        result = await self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def open(self, url: str) -> None:
        for domain in ("Page", "Runtime", "Log"):
            await self.send(f"{domain}.enable")
        await self.send("Page.navigate", url=url)
        await self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    async def until(self, expression: str, timeout: float = 20.0) -> None:
        """Wait until the expression is true."""
        async with asyncio.timeout(timeout):
            while True:
                if await self.evaluate(f"Boolean({expression})"):
                    return
                await asyncio.sleep(0.05)

    async def choose_files(self, selector: str, *files: Path) -> None:
        """Choose files in an input, as its dialog would."""
        found = await self.send(
            "Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})"
        )
        names = [str(each) for each in files]
        await self.send("DOM.setFileInputFiles", files=names, objectId=found["result"]["objectId"])

    async def type(self, text: str) -> None:
        await self.send("Input.insertText", text=text)

    async def press(self, key: str, number: int) -> None:
        """Press a key that writes nothing; ``number`` is its Windows key code."""
        for kind in ("keyDown", "keyUp"):
            await self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number
            )

    async def press_enter(self) -> None:
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        await self.send("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **key)

    async def click(self, selector: str) -> None:
        """Click where a person would: in the middle of the element."""
        where = await self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.send(
                "Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1
            )


@asynccontextmanager
async def browser(directory: Path) -> AsyncIterator[Page]:
    """Run a Chromium with a new profile in ``directory`` and give its tab."""
    found = binary()
    assert found is not None
    process = await asyncio.create_subprocess_exec(
        found,
        *FLAGS,
        f"--user-data-dir={directory}",
        "--window-size=1200,800",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(directory / "DevToolsActivePort")
        async with aiohttp.ClientSession() as http:
            url = await _tab(http, port)
            async with http.ws_connect(url, max_msg_size=0) as ws:
                yield Page(ws)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _port(path: Path, timeout: float = 30.0) -> int:
    """Chromium writes the port that it got into a file of its profile."""
    async with asyncio.timeout(timeout):
        while True:
            if lines := _lines(path):
                return int(lines[0])
            await asyncio.sleep(0.05)


def _lines(path: Path) -> list[str]:
    text = path.read_text() if path.exists() else ""
    return text.splitlines() if "\n" in text else []


async def _tab(http: aiohttp.ClientSession, port: int) -> str:
    async with asyncio.timeout(30.0):
        while True:
            async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                tabs = [each for each in await answer.json() if each["type"] == "page"]
            if tabs:
                url: str = tabs[0]["webSocketDebuggerUrl"]
                return url
            await asyncio.sleep(0.05)
