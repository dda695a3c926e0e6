#!/usr/bin/env python
"""Take the pictures of README.md: the sandbox's page in Chromium, and the terminal of `nescord dev`.

It runs the template `discordpy` in a temporary directory, talks to it, saves a change and a mistake, and
writes docs/assets/page-light.webp, page-dark.webp and terminal.svg.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.text import Text

ASSETS = Path(__file__).parent.parent / "docs" / "assets"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
COLUMNS, ROWS = 104, 40
PAGE_SIZE = {"width": 1100, "height": 680, "deviceScaleFactor": 1, "mobile": False}
PATIENCE = 60.0
NOT_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-HJ-ln-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]")


class Terminal:
    """A command in a pseudo-terminal, and all that it prints."""

    def __init__(self, command: list[str], directory: Path) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._ours = ours
        self._text = b""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                self._text += os.read(self._ours, 65536)
            except OSError:
                return

    @property
    def text(self) -> str:
        return NOT_COLOURS.sub("", self._text.decode(errors="replace").replace("\r", ""))

    @property
    def plain(self) -> str:
        return Text.from_ansi(self.text).plain


def until(condition: Callable[[], Any], what: str) -> Any:
    """Return what the condition returns once it is true."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {PATIENCE:g} s")
        time.sleep(0.05)
    return found


def control(url: str, path: str, **body: Any) -> Any:
    request = urllib.request.Request(f"{url}/sandbox{path}", json.dumps(body).encode())  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def say(url: str, text: str, user: str = "alice") -> None:
    """Say something to the bot and wait for its answer."""
    said = control(url, "/say", channel="general", user=user, content=text)
    control(url, "/wait", channel="general", after=said["id"], timeout=PATIENCE)


class Browser:
    """A page in Chromium, driven by its debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0

    async def call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while (answer := await self._socket.receive_json()).get("id") != self._number:
            pass
        return answer["result"]

    async def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        seen = f"new Promise((done) => setInterval(() => ({condition}) && done(true), 50))"
        async with asyncio.timeout(PATIENCE):
            await self.call("Runtime.evaluate", expression=seen, awaitPromise=True)

    async def picture(self, url: str, shown: str, colours: str) -> bytes:
        """Open a page in light or dark colours, and return its picture once it shows a text."""
        await self.call("Page.navigate", url="about:blank")
        features = [{"name": "prefers-color-scheme", "value": colours}]
        await self.call("Emulation.setEmulatedMedia", features=features)
        await self.call("Page.navigate", url=url)
        await self.wait_for(f"document.body && document.body.innerText.includes({shown!r})")
        taken = await self.call("Page.captureScreenshot", format="webp", quality=80)
        return base64.b64decode(taken["data"])


@asynccontextmanager
async def browser(scratch: Path) -> AsyncIterator[Browser]:
    """Start a headless Chromium."""
    program = next(found for name in CHROMIUM if (found := shutil.which(name)))
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
    ]
    process = await asyncio.create_subprocess_exec(
        program, *options, f"--user-data-dir={scratch / 'profile'}", "about:blank", stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        while not (found := re.search(rb"ws://([^/]+)/", await process.stderr.readline())):
            pass
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{found[1].decode()}/json/list") as listed:
                page = next(each for each in await listed.json() if each["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                opened = Browser(socket)
                await opened.call("Emulation.setDeviceMetricsOverride", **PAGE_SIZE)
                yield opened
    finally:
        process.terminate()
        await process.wait()


def svg(text: str, path: Path) -> None:
    """Write what a terminal shows as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in text.strip("\n").split("\n"):
        console.print(Text.from_ansi(line), soft_wrap=True)
    console.save_svg(str(path), title="nescord dev")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", path.read_text(), flags=re.DOTALL)  # fonts of another host
    path.write_text(re.sub(r"terminal-\d+", "terminal", drawn))


async def photograph(url: str, scratch: Path) -> dict[str, bytes]:
    """Return the page's pictures by their colours."""
    async with browser(scratch) as page:
        return {each: await page.picture(url, "Suggest something", each) for each in ("light", "dark")}


def take(directory: Path) -> None:
    """Run the bot, and take the pictures while it runs."""
    nescord = [sys.executable, "-P", "-m", "nescord_cli"]
    subprocess.run([*nescord, "init", "mybot", "--yes"], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    project = directory / "mybot"
    terminal = Terminal([*nescord, "dev"], project)
    try:
        address = re.compile(r"http://127\.0\.0\.1:\d+(?=/)")
        url = until(lambda: address.search(terminal.plain), "the page's address")[0]
        until(lambda: "synced" in terminal.plain, "the slash commands")
        say(url, "!ping")
        say(url, "!roll 2d6", "bob")
        file = project / "bot_main" / "cogs" / "general.py"
        code = file.read_text()
        file.write_text(code.replace("Pong!", "Pong, pong!"))
        until(lambda: "general.py" in terminal.plain, "the reload")
        say(url, "!ping")
        control(url, "/interact", channel="general", user="olivia", command="suggestions", wait=PATIENCE)
        for colours, picture in asyncio.run(photograph(url, directory)).items():
            (ASSETS / f"page-{colours}.webp").write_bytes(picture)
        file.write_text(code.replace("async def ping(self", "async def ping(self,,"))
        until(lambda: 'await ctx.send("Pong!")' in terminal.plain, "the error with its excerpt")
        svg(terminal.text, ASSETS / "terminal.svg")
    finally:
        terminal.process.terminate()
        terminal.process.wait(PATIENCE)


def main() -> int:
    ASSETS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        take(Path(scratch))
    for path in sorted(ASSETS.glob("*.*")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
