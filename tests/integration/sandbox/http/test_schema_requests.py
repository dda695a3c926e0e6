"""Requests made at random from the API's schemas: whatever their values, none is answered with a 5xx but 501.

benchmarks/api_fuzz.py is the long form, with schemathesis.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from nescord_core.discord_api import contract
from nescord_core.discord_api.schema import Shape
from support.sandbox.request_maker import Maker
from support.sandbox.running import rest, running_sandbox

REQUESTS = 4
"""Requests for each operation."""
TEXTS = (
    "",
    " ",
    "\n",
    "a",
    "\x00",
    "\u202e",
    "😀",
    "a" * 300,
    "1",
    "-1",
    "null",
    "@everyone",
    "<@1>",
    "`" * 3,
)


class OddMaker(Maker):
    """Makes requests of the right shape, with odd values."""

    def make_string(self, shape: Shape, depth: int) -> str:
        return self.random.choice(
            (*TEXTS, super().make_string(shape, depth), super().make_string(shape, depth))
        )

    def make_integer(self, shape: Shape, _depth: int) -> int:
        return self.random.choice((super().make_integer(shape, _depth), 0, -1, 1 << 31, 1 << 63))

    make_number = make_integer


async def test_no_request_of_the_right_shape_is_an_error_of_the_sandbox() -> None:
    maker = OddMaker(20)
    failed: list[str] = []
    statuses: Counter[int] = Counter()
    async with running_sandbox(rate_limits=False) as sandbox:
        headers = {"Authorization": f"Bot {sandbox.token}", "Content-Type": "application/json"}
        for name, operation in sorted(contract.operations().items()):
            for _ in range(REQUESTS):
                made = maker.call(operation)
                path = operation.path
                for key, value in made.args.items():
                    path = path.replace(f"{{{key}}}", quote(str(value), safe=""))
                body: Any = None if made.body is None else json.dumps(made.body)
                url = f"{sandbox.url}/api/v10{path}"
                sent = sandbox.http.request(
                    operation.method, url, data=body, params=dict(made.query), headers=headers
                )
                async with sent as answer:
                    statuses[answer.status] += 1
                    if answer.status >= 500 and answer.status != 501:
                        failed.append(f"{name}: {answer.status} {operation.method} {path} {body}")
    assert failed == []
    assert statuses[200] > 100, statuses  # requests reach what is behind the checks


async def test_fields_that_discord_does_not_know_are_not_stored() -> None:
    async with running_sandbox(rate_limits=False) as sandbox:
        guild_id = (await sandbox.get("/state"))["guilds"][0]["id"]
        body = {"enabled": False, "": ["x"], "new": 1}
        status, answer = await rest(sandbox, "PUT", f"/guilds/{guild_id}/onboarding", body)
        assert status == 200, answer
        assert not {"", "new"} & answer.keys()
