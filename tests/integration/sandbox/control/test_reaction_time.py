"""Scripts use what the bot has sent at once; the bot has its response first nevertheless."""

from __future__ import annotations

import asyncio
from typing import Any

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.network.http_relay import Relay, running_relay
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox

ALL = Intents.all().value
ON_ITS_WAY = 0.01
"""Seconds that each response needs to reach the bot: as through the proxy, and through a busy machine."""
BUTTON = {"type": 2, "style": 1, "label": "Open", "custom_id": "open"}
FIELD = {"type": 4, "custom_id": "name", "label": "Name", "style": 1}
FORM = {"title": "Form", "custom_id": "form", "components": [{"type": 1, "components": [FIELD]}]}


class Order:
    """What the bot gets, in order: responses to its requests, and events."""

    def __init__(self, relay: Relay, bot: RawGateway) -> None:
        self.seen: list[str] = []
        self._relay = relay
        self._bot = bot

    async def request(self, method: str, path: str, body: Any) -> None:
        url, headers = f"{self._relay.url}/api/v10{path}", {"Authorization": f"Bot {TOKEN}"}
        async with self._relay.session.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
        self.seen.append("response")

    async def event(self, name: str) -> Any:
        payload = (await self._bot.until(name))["d"]
        self.seen.append(name)
        return payload


async def test_a_click_a_form_and_a_reaction_come_after_the_response_to_what_they_use(
    sandbox: RunningSandbox,
) -> None:
    channel = (await sandbox.get("/state"))["guilds"][0]["channels"][0]["id"]
    here = {"channel": channel, "user": "alice"}
    async with running_relay(sandbox.url) as relay, RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        relay.delay = ON_ITS_WAY
        order = Order(relay, bot)

        panel = {"content": "Panel", "components": [{"type": 1, "components": [BUTTON]}]}
        async with asyncio.TaskGroup() as group:
            group.create_task(order.request("POST", f"/channels/{channel}/messages", panel))
            message = (await sandbox.post("/wait", channel=channel, content="Panel", after="0"))["id"]
            started = await sandbox.post("/click", message=message, **here)
            clicked = await order.event("INTERACTION_CREATE")
        assert order.seen == ["response", "INTERACTION_CREATE"]

        callback = f"/interactions/{clicked['id']}/{clicked['token']}/callback"
        async with asyncio.TaskGroup() as group:
            group.create_task(order.request("POST", callback, {"type": 9, "data": FORM}))
            while not (await sandbox.get(f"/interactions/{started['id']}"))["modal"]:
                pass
            values = {"name": "Ada"}
            await sandbox.post("/modal", interaction=started["id"], user="alice", values=values)
            await order.event("INTERACTION_CREATE")
        assert order.seen[2:] == ["response", "INTERACTION_CREATE"]

        async with asyncio.TaskGroup() as group:
            edit = {"content": "React"}
            group.create_task(order.request("PATCH", f"/channels/{channel}/messages/{message}", edit))
            await sandbox.post("/wait", channel=channel, content="React", after="0")
            await sandbox.post("/react", message=message, emoji="👍", **here)
            await order.event("MESSAGE_REACTION_ADD")
        assert order.seen[4:] == ["response", "MESSAGE_REACTION_ADD"]
