"""Threads, posts, invites and interest in events, as people do them over the control API."""

from __future__ import annotations

from typing import Any

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, running_sandbox


async def api(sandbox: RunningSandbox, method: str, path: str, body: Any = None) -> Any:
    url, headers = f"{sandbox.url}/api/v10{path}", {"Authorization": f"Bot {TOKEN}"}
    async with sandbox.http.request(method, url, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json() if answer.status != 204 else None


async def test_a_person_starts_threads_and_posts() -> None:
    async with running_sandbox() as sandbox, RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=Intents.all().value)
        await sandbox.post("/channels", name="ideas", kind="forum")
        said = await sandbox.post("/say", channel="general", user="alice", content="x")
        on_it = await sandbox.post("/thread", channel="general", user="bob", name="on it", message=said["id"])
        assert on_it["id"] == said["id"]
        told = (await gateway.until("THREAD_CREATE"))["d"]
        assert (told["name"], told["newly_created"]) == ("on it", True)
        post = await sandbox.post("/thread", channel="ideas", user="alice", name="idea", content="an idea")
        assert (await gateway.until("THREAD_CREATE"))["d"]["id"] == post["id"]
        first = (await gateway.until("MESSAGE_CREATE"))["d"]
        assert (first["id"], first["channel_id"], first["content"]) == (post["id"], post["id"], "an idea")
        wrong = {"channel": "ideas", "user": "alice", "name": "empty"}
        assert "needs content" in await sandbox.refused("POST", "/thread", wrong)
        wrong = {"channel": "Lounge", "user": "alice", "name": "loud"}
        assert "No thread" in await sandbox.refused("POST", "/thread", wrong)


async def test_invites_are_used_and_used_up() -> None:
    async with running_sandbox() as sandbox:
        state = (await sandbox.get("/state"))["guilds"][0]
        channel = state["channels"][0]["id"]
        role = next(each["id"] for each in state["roles"] if each["name"] == "member")
        made = await api(sandbox, "POST", f"/channels/{channel}/invites", {"max_uses": 2, "role_ids": [role]})
        joined = await sandbox.post("/join", user="carol", invite=made["code"])
        assert (joined["user"]["username"], joined["roles"]) == ("carol", [role])
        (listed,) = await api(sandbox, "GET", f"/channels/{channel}/invites")
        assert listed["uses"] == 1
        await sandbox.post("/join", user="dave", invite=made["code"])
        assert await api(sandbox, "GET", f"/channels/{channel}/invites") == []
        members = (await sandbox.get("/state"))["guilds"][0]["members"]
        roles = {each["user"]["username"]: each["roles"] for each in members}
        assert roles["carol"] == roles["dave"] == [role]
        gone = {"user": "eve", "invite": made["code"]}
        assert "Unknown Invite" in await sandbox.refused("POST", "/join", gone)


async def test_interest_in_an_event() -> None:
    async with running_sandbox() as sandbox:
        guild = (await sandbox.get("/state"))["guilds"][0]["id"]
        event = {
            "name": "party",
            "privacy_level": 2,
            "entity_type": 3,
            "scheduled_start_time": "2090-01-01T00:00:00+00:00",
            "scheduled_end_time": "2090-01-02T00:00:00+00:00",
            "entity_metadata": {"location": "here"},
        }
        made = await api(sandbox, "POST", f"/guilds/{guild}/scheduled-events", event)
        await sandbox.post("/interested", user="alice", event="party")
        path = f"/guilds/{guild}/scheduled-events/{made['id']}/users"
        assert [each["user"]["username"] for each in await api(sandbox, "GET", path)] == ["alice"]
        await sandbox.post("/interested", user="alice", event="party", interested=False)
        assert await api(sandbox, "GET", path) == []
        wrong = {"user": "alice", "event": "wedding"}
        assert "Known: party" in await sandbox.refused("POST", "/interested", wrong)
