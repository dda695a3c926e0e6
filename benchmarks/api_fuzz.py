"""Sends what schemathesis makes of Discord's OpenAPI document to a sandbox: no answer may be a 5xx but 501.

    .venv/bin/pip install schemathesis
    .venv/bin/python benchmarks/api_fuzz.py DOCUMENT [--examples 200] [--seed 1] [--url http://127.0.0.1:7400]

Without ``--url`` it starts a sandbox. Half of the ids are real ones, so that requests get further than a 404.
A short form without schemathesis is a test, tests/integration/sandbox/http/test_schema_requests.py.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis

TOKEN = "MTE5MTE2ODkxNDIyNzIwMDAwMA.sandbox.not-a-real-token-local-use-only"
BOT = "1191168914227200000"
LISTEN = "127.0.0.1:7470"
NOT_IMPLEMENTED = 501
SERVER_ERROR = 500


def call(url: str, method: str, path: str, body: Any = None) -> Any:
    """Call the sandbox and return its answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bot {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@contextmanager
def sandbox(url: str | None) -> Iterator[str]:
    """Yield the address of a sandbox, which is started unless one is given."""
    if url is not None:
        yield url
        return
    command = (sys.executable, "-m", "nescord_cli", "run", "sandbox", "--listen", LISTEN)
    process = subprocess.Popen(command, env={"NESCORD_SANDBOX_RATE_LIMITS": "false"})
    try:
        for _ in range(200):
            try:
                call(f"http://{LISTEN}", "GET", "/healthz")
            except (OSError, ValueError):
                time.sleep(0.1)
        yield f"http://{LISTEN}"
    finally:
        process.terminate()
        process.wait()


def real_ids(url: str) -> dict[str, list[str]]:
    """Return ids of what is there, by the name of the parameter."""
    state = call(url, "GET", "/sandbox/state")
    if not state["guilds"]:
        call(url, "POST", "/sandbox/guilds", {})
        state = call(url, "GET", "/sandbox/state")
    guild = state["guilds"][0]
    text = next((each["id"] for each in guild["channels"] if each["type"] == 0), None)
    if text is None:
        text = call(url, "POST", "/sandbox/channels", {"name": "general", "guild": guild["id"]})["id"]
    said = call(url, "POST", "/sandbox/say", {"channel": text, "user": guild["owner_id"], "content": "x"})
    return {
        "guild_id": [guild["id"]],
        "application_id": [BOT],
        "channel_id": [each["id"] for each in guild["channels"]],
        "message_id": [said["id"]],
        "user_id": [each["id"] for each in state["users"]],
        "role_id": [each["id"] for each in guild["roles"]],
    }


def attempt(url: str, operation: Any, examples: int, seed: int) -> Counter[int]:
    """Send requests of one operation and return how often each status came."""
    statuses: Counter[int] = Counter()
    rng = random.Random(seed)
    known = real_ids(url)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy())
    def send(case: Any) -> None:
        for name in case.path_parameters or {}:
            if name in known and rng.random() < 0.5:
                case.path_parameters[name] = rng.choice(known[name])
        answer = case.call(base_url=f"{url}/api/v10", headers={"Authorization": f"Bot {TOKEN}"}, timeout=30)
        statuses[answer.status_code] += 1
        if answer.status_code >= SERVER_ERROR and answer.status_code != NOT_IMPLEMENTED:
            print(
                f"{answer.status_code} {operation.label}\n  {case.as_curl_command()}\n  {answer.text[:500]}"
            )

    send()
    return statuses


def main() -> None:
    """Try every operation, and exit with 1 if one has failed."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("document", type=Path)
    options.add_argument("--examples", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--url")
    options.add_argument("--seconds", type=float, default=0.0, help="stop after these (0: no limit)")
    chosen = options.parse_args()
    schema = schemathesis.openapi.from_dict(json.loads(chosen.document.read_text()))
    total: Counter[int] = Counter()
    tried, end = 0, time.monotonic() + (chosen.seconds or float("inf"))
    with sandbox(chosen.url) as url:
        for found in schema.get_all_operations():
            if time.monotonic() > end:
                break
            total += attempt(url, found.ok(), chosen.examples, chosen.seed)
            tried += 1
    print(f"{tried} operations: {dict(sorted(total.items()))}")
    failed = sum(n for status, n in total.items() if status >= SERVER_ERROR and status != NOT_IMPLEMENTED)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
