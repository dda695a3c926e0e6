"""Installs and starts the REST proxies that nescord is compared with.

@discordjs/proxy and @discordeno/rest come from npm, nirn-py from PyPI; the first run installs them into the
user's cache directory. None of them can be pointed at another Discord by configuration alone: the scripts
below do that, and change nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PEERS", "TOKEN", "Peers", "find", "install"]

TOKEN = "MTIz.benchmark.token"
"""Not a real token; its first part is an id in base64, as some peers require."""
PEERS = ("@discordjs/proxy", "@discordeno/rest", "nirn-py")
PACKAGES = {"@discordjs/proxy": "2.1.1", "@discordjs/rest": "2.4.3", "@discordeno/rest": "21.0.0"}
NIRN_VERSION = "1.0.3"

DISCORDJS = """
import { createServer } from 'node:http';
import { proxyRequests } from '@discordjs/proxy';
import { REST } from '@discordjs/rest';
const [upstream, port, limit, token] = process.argv.slice(2);
const rest = new REST({
  api: `${upstream}/api`, rejectOnRateLimit: null, retries: 3, globalRequestsPerSecond: Number(limit),
}).setToken(token);
process.on('unhandledRejection', () => {});  // a caller that disconnects early would end the process
createServer(proxyRequests(rest)).listen(Number(port), '127.0.0.1');
"""
DISCORDENO = """
import { createServer } from 'node:http';
import { createRestManager } from '@discordeno/rest';
const [upstream, port, limit, token] = process.argv.slice(2);
const rest = createRestManager({ token, version: 10, proxy: { baseUrl: `${upstream}/api` } });
rest.isProxied = false;  // otherwise it does not apply the limits itself
createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined;
      const route = request.url.replace(/^\\/api\\/v\\d+/, '');
      const answer = await rest.makeRequest(request.method, route, { body });
      response.writeHead(answer === undefined ? 204 : 200, { 'content-type': 'application/json' });
      response.end(answer === undefined ? undefined : JSON.stringify(answer));
    } catch (error) {
      response.writeHead(500);
      response.end(String(error));
    }
  });
}).listen(Number(port), '127.0.0.1');
"""
NIRN = """
import asyncio, os, sys
import aiohttp
upstream, port, limit, token = sys.argv[1:]
original = aiohttp.ClientSession._request
async def request(self, method, url, **options):
    return await original(self, method, str(url).replace('https://discord.com', upstream), **options)
aiohttp.ClientSession._request = request
os.environ |= {'PORT': port, 'BIND_IP': '127.0.0.1', 'ENABLE_METRICS': 'false', 'LOG_LEVEL': 'error'}
os.environ |= {'BOT_RATELIMIT_OVERRIDES': f'123:{limit}'}
from nirn_proxy.main import main_async
asyncio.run(main_async())
"""


def find(tool: str) -> str:
    """Return the path of a tool in this environment; its bare name if it is only on the PATH."""
    local = Path(sys.executable).parent / tool
    return str(local) if local.exists() else tool


@dataclass(frozen=True)
class Peers:
    """Where the peers are installed; None for those that could not be."""

    scripts: Path
    node: Path | None
    nirn: Path | None

    def line(self, name: str, upstream: str, port: int, limit: int) -> tuple[str, ...] | None:
        """Return the command that starts a peer; None if it is not installed."""
        arguments = (upstream, str(port), str(limit), TOKEN)
        if name == "nirn-py":
            return (str(self.nirn), str(self.scripts / "nirn.py"), *arguments) if self.nirn else None
        script = "discordjs.mjs" if name == "@discordjs/proxy" else "discordeno.mjs"
        return (find("node"), str(self.scripts / script), *arguments) if self.node else None


def install() -> Peers:
    """Install missing peers; print those that cannot be installed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nescord-benchmarks"
    cache.mkdir(parents=True, exist_ok=True)
    for name, script in (("discordjs.mjs", DISCORDJS), ("discordeno.mjs", DISCORDENO), ("nirn.py", NIRN)):
        (cache / name).write_text(script, "utf-8")
    return Peers(cache, _node(cache), _nirn(cache / "nirn"))


def _node(cache: Path) -> Path | None:
    manifest = json.dumps({"private": True, "type": "module", "dependencies": PACKAGES})
    path = cache / "package.json"
    if (cache / "node_modules/@discordjs/proxy").is_dir() and path.read_text("utf-8") == manifest:
        return cache
    path.write_text(manifest, "utf-8")
    if _run([find("npm"), "install", "--no-audit", "--no-fund", "--loglevel=error"], cache):
        return cache
    path.unlink()
    return None


def _nirn(environment: Path) -> Path | None:
    python = environment / "bin/python"
    if (environment / "bin/nirn").exists():
        return python
    installed = _run([sys.executable, "-m", "venv", str(environment)], environment.parent) and _run(
        [str(python), "-m", "pip", "install", "-q", f"nirn-py=={NIRN_VERSION}"], environment.parent
    )
    return python if installed else None


def _run(command: list[str], folder: Path) -> bool:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        print(f"skipped, {command[0]} failed: {result.stderr.strip().splitlines()[-1:]}")
    return not result.returncode
