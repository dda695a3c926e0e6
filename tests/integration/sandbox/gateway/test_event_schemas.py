"""Every event that the sandbox sends, as it comes over the gateway, is as Discord documents it."""

from __future__ import annotations

import json
from typing import Any

from nescord_core.discord_api.schema import shape_of
from nescord_core.events import Intents
from nescord_core.sandbox.world.event_schemas import EVENT_SCHEMAS
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.conformity import check_event
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest_ok, running_sandbox
from support.sandbox.running_rest import Rest
from support.sandbox.walkthrough import walk_through

ALL = Intents.all().value
PLACE = {"guild": "Sandbox 2"}
START, END = "2030-01-01T00:00:00+00:00", "2030-01-01T02:00:00+00:00"


class Heard:
    """The events that a client has received."""

    def __init__(self, sandbox: RunningSandbox, client: RawGateway) -> None:
        self.events: list[tuple[str, Any]] = []
        self._sandbox = sandbox
        self._client = client
        self._marks = 0

    async def take(self) -> None:
        """Take all events so far."""
        self._marks += 1
        text = f"mark {self._marks}"
        await self._sandbox.post("/dm", user="alice", content=text)
        while True:
            payload = await self._client.receive()
            if payload.get("op") != 0:
                assert "closed" not in payload, payload
                continue
            self.events.append((payload["t"], payload["d"]))
            if payload["t"] == "MESSAGE_CREATE" and payload["d"]["content"] == text:
                return


async def test_every_event_conforms_to_its_schema() -> None:
    settings = {"guilds": 2, "rate_limits": False}
    async with running_sandbox(**settings) as sandbox, RawGateway(sandbox.gateway_url) as client:
        ready = await client.identify(TOKEN, intents=ALL)
        heard = Heard(sandbox, client)
        heard.events.append(("READY", ready))
        await commands(client, ready["guilds"][1]["id"], sandbox)
        rest = Rest(sandbox.sandbox.world, None, sandbox.url, sandbox.http)  # type: ignore[arg-type]
        await walk_through(rest)  # leaves the first guild
        await heard.take()
        await people(sandbox)
        await rest_of_the_api(sandbox)
        await heard.take()
        async with RawGateway(client.resume_url) as again:
            await again.resume(TOKEN, client.session_id, client.seq)
            heard.events.append(("RESUMED", (await again.until("RESUMED"))["d"]))
    wrong = {line for event, payload in heard.events for line in check_event(event, payload)}
    assert wrong == set()
    assert {event for event, _ in heard.events} == set(EVENT_SCHEMAS)
    memberships(heard.events)


def memberships(events: list[tuple[str, Any]]) -> None:
    """Check the fields that the documentation promises for events in guilds."""
    direct = {
        payload["channel_id"] for event, payload in events if "recipients" in payload.get("channel", {})
    }
    for event, payload in events:
        if "guild_id" in shape_of(EVENT_SCHEMAS[event]).fields and "channel_id" in payload:
            assert "guild_id" in payload or payload["channel_id"] in direct, (event, payload)
        if not isinstance(payload, dict) or "guild_id" not in payload:
            continue
        if event in ("TYPING_START", "MESSAGE_REACTION_ADD", "VOICE_STATE_UPDATE", "INTERACTION_CREATE"):
            assert payload["member"]["user"]["id"], (event, payload)
        if event in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and "webhook_id" not in payload:
            assert "roles" in payload["member"], (event, payload)
    assert any(event == "TYPING_START" and payload["user_id"] == BOT for event, payload in events)


BOT = "1191168914227200000"


async def commands(client: RawGateway, guild: str, sandbox: RunningSandbox) -> None:
    """Send every command of the gateway that is answered with an event."""
    lounge = next(
        each for each in (await sandbox.get("/state"))["guilds"][1]["channels"] if each["type"] == 2
    )
    for _ in range(2):
        await client.send(8, {"guild_id": guild, "query": "", "limit": 0, "presences": True})
    await client.send(8, {"guild_id": guild, "user_ids": ["1"], "nonce": "n"})
    await client.send(31, {"guild_ids": [guild]})
    await client.send(43, {"guild_id": guild, "fields": ["status", "voice_start_time"]})
    await client.send(
        4, {"guild_id": guild, "channel_id": lounge["id"], "self_mute": True, "self_deaf": False}
    )


async def people(sandbox: RunningSandbox) -> None:
    """Let people do what no call of the API does."""
    post, here = sandbox.post, {"channel": "general", **PLACE}
    bob = next(each["id"] for each in (await sandbox.get("/state"))["users"] if each["username"] == "bob")
    said = await post("/say", user="alice", content=f"<@{bob}>", **here)
    message = {"channel": said["channel_id"], "message": said["id"], "user": "alice"}
    await post("/edit", content="changed", **message)
    for do in ("react", "unreact"):
        await post(f"/{do}", emoji="👍", **message)
    await post("/typing", user="alice", **here)
    thread = await post("/thread", user="alice", name="talk", **here)
    await sandbox.call("DELETE", f"/channels/{thread['id']}")
    await post("/presence", user="alice", status="dnd", activities=[{"name": "chess", "type": 0}])
    await post("/voice", user="alice", channel="Lounge", **PLACE)
    await post("/voice", user="alice", channel=None, **PLACE)
    await post("/skus", name="Silver")
    await post("/skus", name="Potion", kind="consumable")
    await post("/buy", user="alice", sku="Silver")
    await post("/cancel", user="alice", sku="Silver")
    made = await post("/guilds", name="brief")
    for available in (False, True):
        await post("/outage", guild="brief", available=available)
    await sandbox.call("DELETE", f"/guilds/{made['id']}")


async def rest_of_the_api(sandbox: RunningSandbox) -> None:
    """Do as the bot what the walkthrough does not, or does only once."""
    state = await sandbox.get("/state")
    place = state["guilds"][0]
    guild, general = f"/guilds/{place['id']}", f"/channels/{place['channels'][0]['id']}"
    await answers(sandbox, general)
    await scheduled(sandbox, f"{guild}/scheduled-events")
    alert = {"type": 2, "metadata": {"channel_id": general.removeprefix("/channels/")}}
    rule = {
        "name": "no",
        "event_type": 1,
        "trigger_type": 1,
        "actions": [{"type": 1}, alert],
        "enabled": True,
    }
    words = {"trigger_metadata": {"keyword_filter": ["forbidden"]}}
    await rest_ok(sandbox, "POST", f"{guild}/auto-moderation/rules", {**rule, **words})
    await sandbox.call("POST", "/say", {"channel": "general", "user": "bob", "content": "forbidden", **PLACE})
    request = await sandbox.post("/request_to_join", user="dave", **PLACE)
    await rest_ok(sandbox, "PATCH", f"{guild}/requests/{request['id']}", {"action": "APPROVED"})
    base = f"/applications/{BOT}/entitlements"
    skus = await rest_ok(sandbox, "GET", f"/applications/{BOT}/skus")
    sku = next(each["id"] for each in skus if each["name"] == "Silver")
    bob = next(each["id"] for each in state["users"] if each["username"] == "bob")
    bought = await rest_ok(sandbox, "POST", base, {"sku_id": sku, "owner_id": bob, "owner_type": 2})
    await rest_ok(sandbox, "DELETE", f"{base}/{bought['id']}")
    potion = (await sandbox.post("/buy", user="bob", sku="Potion"))["entitlement"]
    await rest_ok(sandbox, "POST", f"{base}/{potion['id']}/consume")
    invite = await rest_ok(sandbox, "POST", f"{general}/invites", {})
    await rest_ok(sandbox, "DELETE", f"/invites/{invite['code']}")
    await rest_ok(sandbox, "DELETE", f"{guild}/integrations/{BOT}")


async def answers(sandbox: RunningSandbox, general: str) -> None:
    """Send a poll that is voted on and off, and a command with every kind of option."""
    poll = {"question": {"text": "?"}, "answers": [{"poll_media": {"text": "yes"}}] * 2, "duration": 1}
    asked = await rest_ok(
        sandbox, "POST", f"{general}/messages", {"poll": {**poll, "allow_multiselect": False}}
    )
    for chosen in ([1], []):
        await sandbox.post(
            "/vote", channel=asked["channel_id"], message=asked["id"], user="bob", answers=chosen
        )
    kinds = {3: "text", 6: "bob", 7: "general", 8: "member", 9: "alice", 11: ["x.txt", "aGVsbG8="]}
    options = [{"type": kind, "name": f"o{kind}", "description": "d"} for kind in kinds]
    body = {"name": "ask", "description": "Ask", "options": options}
    await rest_ok(sandbox, "POST", f"/applications/{BOT}/commands", body)
    await rest_ok(sandbox, "POST", f"/applications/{BOT}/commands", {"name": "Look", "type": 3})
    await rest_ok(sandbox, "POST", f"/applications/{BOT}/commands", {"name": "Who", "type": 2})
    here = {"channel": "general", "user": "alice", **PLACE}
    given = {f"o{kind}": value for kind, value in kinds.items()}
    await sandbox.post("/interact", command="ask", options=given, **here)
    await sandbox.post("/interact", command="Look", target=asked["id"], **here)
    await sandbox.post("/interact", command="Who", target="bob", **here)
    direct = await sandbox.post("/dm", user="alice", content="hello")
    await sandbox.post("/interact", channel=direct["channel_id"], user="alice", command="ask")


async def scheduled(sandbox: RunningSandbox, base: str) -> None:
    """Create an event that recurs, with an exception, in which a user is interested."""
    rule = {"start": START, "frequency": 2, "interval": 1, "by_weekday": [1]}
    event = {"name": "party", "privacy_level": 2, "entity_type": 3, "entity_metadata": {"location": "here"}}
    times = {"scheduled_start_time": START, "scheduled_end_time": END, "recurrence_rule": rule}
    made = await rest_ok(sandbox, "POST", base, {**event, **times})
    for interested in (True, False):
        await sandbox.post("/interested", user="alice", event=made["id"], interested=interested, **PLACE)
    exceptions = f"{base}/{made['id']}/exceptions"
    body = {"original_scheduled_start_time": START, "is_canceled": True}
    exception = await rest_ok(sandbox, "POST", exceptions, body)
    path = f"{exceptions}/{exception['event_exception_id']}"
    await rest_ok(sandbox, "PATCH", path, {"is_canceled": False})
    await rest_ok(sandbox, "DELETE", path)


def test_the_schemas_are_valid_json() -> None:
    assert json.loads(json.dumps(EVENT_SCHEMAS)) == EVENT_SCHEMAS
