"""The network guard keeps Node.js on this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.stock.node import NODE, guarded

GUARD = Path(__file__).with_name("discordjs") / "loopback.cjs"
ATTEMPTS = {
    "a socket": "require('net').connect(443, '192.0.2.1')",
    "a socket with options": "require('net').connect({host: '192.0.2.1', port: 443})",
    "a TLS socket": "require('tls').connect(443, 'name.invalid')",
    "http": "require('http').get('http://192.0.2.1/')",
    "fetch": "fetch('http://192.0.2.1/').catch((error) => { throw error.cause })",
    "a websocket": "new WebSocket('ws://192.0.2.1/').onerror = (event) => { throw event.error }",
    "a look-up": "require('dns').lookup('name.invalid', () => {})",
    "a promised look-up": "require('dns/promises').resolve4('name.invalid')",
    "a look-up from a module": "import('node:dns').then((dns) => dns.lookup('name.invalid', () => {}))",
    "a datagram": "require('dgram').createSocket('udp4').send('x', 53, '192.0.2.1')",
    "a child": (
        "const done = require('child_process').spawnSync(process.execPath,"
        " ['-e', `require('net').connect(443, '192.0.2.1')`]);"
        " console.error(String(done.stderr)); process.exit(1)"
    ),
}


def _node(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **guarded(GUARD)}
    return subprocess.run(
        [str(NODE), "-e", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_node_cannot_leave_this_machine(attempt: str) -> None:
    done = _node(attempt)
    assert done.returncode != 0
    assert "left the machine: tried to" in done.stderr


def test_node_reaches_this_machine() -> None:
    code = """
    const server = require('http').createServer((_, answer) => answer.end('here'));
    server.listen(0, '127.0.0.1', async () => {
        const answer = await fetch(`http://localhost:${server.address().port}/`);
        console.log(await answer.text());
        server.close();
    });
    """
    done = _node(code)
    assert (done.stdout, done.returncode) == ("here\n", 0), done.stderr
