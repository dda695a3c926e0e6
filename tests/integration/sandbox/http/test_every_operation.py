"""Calls every operation that the sandbox answers at least once; each answer is held against the document."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from nescord_core.discord_api import contract
from nescord_core.sandbox.http.router import routes_table
from support.sandbox.running_rest import Rest, emoji, sandbox

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
IMAGE = "data:image/png;base64," + base64.b64encode(PNG).decode()


def form(payload: str | None, *files: tuple[str, str, bytes], **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData()
    if payload is not None:
        data.add_field("payload_json", payload, content_type="application/json")
    for name, value in fields.items():
        data.add_field(name, value)
    for name, filename, content in files:
        data.add_field(name, content, filename=filename, content_type="image/png")
    return data


class Story:
    """One walk through the API; each chapter uses what those before it made."""

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self.ok = rest.ok
        world = rest.world
        self.world = world
        self.app = world.application_id
        self.guild = world.guild_ids()[0]
        self.channel = world.find_channel("general").id
        self.voice = world.find_channel("Lounge").id
        self.alice = world.find_user("alice").id
        self.bob = world.find_user("bob").id

    async def tell(self) -> None:
        await self.myself()
        await self.messages()
        await self.reactions_and_pins()
        await self.channels()
        await self.threads()
        await self.webhooks()
        await self.members()
        await self.roles()
        await self.guild_itself()
        await self.guild_features()
        await self.expressions()
        await self.sounds_and_voice()
        await self.events_and_automod()
        await self.commands()
        await self.interactions()
        await self.money()
        await self.invites()
        await self.goodbye()

    async def myself(self) -> None:
        for path in (
            "/gateway",
            "/gateway/bot",
            "/users/@me",
            f"/users/{self.alice}",
            "/users/@me/guilds",
            "/oauth2/applications/@me",
            "/oauth2/keys",
            "/applications/@me",
            f"/applications/{self.app}",
            "/voice/regions",
            "/sticker-packs",
            "/soundboard-default-sounds",
        ):
            await self.ok("GET", path)
        pack = (await self.ok("GET", "/sticker-packs"))["sticker_packs"][0]
        await self.ok("GET", f"/sticker-packs/{pack['id']}")
        await self.ok("GET", f"/stickers/{pack['stickers'][0]['id']}")
        await self.ok("PATCH", "/users/@me", {"username": "Renamed Bot"})
        await self.ok("PATCH", "/applications/@me", {"custom_install_url": "https://example.org/add"})
        await self.ok("PATCH", f"/applications/{self.app}", {"tags": ["fun"]})
        path = f"/applications/{self.app}/role-connections/metadata"
        row = {"type": 1, "key": "level", "name": "Level", "description": "Level reached"}
        assert (await self.ok("PUT", path, [row]))[0]["key"] == "level"
        await self.ok("GET", path)
        self.dm = int((await self.ok("POST", "/users/@me/channels", {"recipient_id": str(self.alice)}))["id"])
        await self.ok("GET", f"/channels/{self.dm}")
        await self.ok("POST", f"/channels/{self.dm}/messages", {"content": "Hello in private"})

    async def messages(self) -> None:
        base = f"/channels/{self.channel}/messages"
        embed = {"title": "T", "description": "D", "color": 255, "fields": [{"name": "n", "value": "v"}]}
        first = await self.ok("POST", base, {"content": "one", "embeds": [embed], "nonce": "n1"})
        assert first["nonce"] == "n1"
        self.message = int(first["id"])
        buttons = [{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}]
        reply = {"message_id": str(self.message)}
        second = await self.ok(
            "POST", base, {"content": "two", "components": buttons, "message_reference": reply}
        )
        self.buttons = int(second["id"])
        payload = '{"content": "a file", "attachments": [{"id": 0, "description": "a dot"}]}'
        third = await self.ok("POST", base, data=form(payload, ("files[0]", "dot.png", PNG)))
        assert third["attachments"][0]["description"] == "a dot"
        async with self.rest.session.get(third["attachments"][0]["url"]) as file:
            assert await file.read() == PNG
        await self.ok("GET", base)
        await self.ok("GET", f"{base}?limit=2&before={third['id']}")
        await self.ok("GET", f"{base}/{self.message}")
        edited = await self.ok("PATCH", f"{base}/{self.message}", {"content": "one, edited"})
        assert edited["edited_timestamp"]
        found = await self.ok("GET", f"/guilds/{self.guild}/messages/search?content=edited")
        assert found["total_results"] == 1
        await self.ok("POST", f"/channels/{self.channel}/typing")
        await self.ok("DELETE", f"{base}/{third['id']}")
        spam = [int((await self.ok("POST", base, {"content": "spam"}))["id"]) for _ in range(2)]
        await self.ok("POST", f"{base}/bulk-delete", {"messages": [str(each) for each in spam]})
        await self.poll(base)

    async def poll(self, base: str) -> None:
        answers = [{"poll_media": {"text": "yes"}}, {"poll_media": {"text": "no"}}]
        poll = {"question": {"text": "?"}, "answers": answers, "duration": 1, "allow_multiselect": False}
        asked = await self.ok("POST", base, {"poll": poll})
        self.world.vote(self.channel, asked["id"], "alice", [1])
        path = f"/channels/{self.channel}/polls/{asked['id']}"
        voters = await self.ok("GET", f"{path}/answers/1")
        assert voters["users"][0]["username"] == "alice"
        await self.ok("POST", f"{path}/expire")

    async def reactions_and_pins(self) -> None:
        base = f"/channels/{self.channel}/messages/{self.message}/reactions"
        await self.ok("PUT", f"{base}/{emoji('👍')}/@me")
        self.world.react(self.channel, self.message, "alice", "👍")
        assert len(await self.ok("GET", f"{base}/{emoji('👍')}")) == 2
        await self.ok("DELETE", f"{base}/{emoji('👍')}/@me")
        await self.ok("DELETE", f"{base}/{emoji('👍')}/{self.alice}")
        await self.ok("PUT", f"{base}/{emoji('👎')}/@me")
        await self.ok("DELETE", f"{base}/{emoji('👎')}")
        await self.ok("PUT", f"{base}/{emoji('🎉')}/@me")
        await self.ok("DELETE", base)
        for pins in (f"/channels/{self.channel}/messages/pins", f"/channels/{self.channel}/pins"):
            await self.ok("PUT", f"{pins}/{self.message}")
            await self.ok("GET", pins)
            await self.ok("DELETE", f"{pins}/{self.message}")

    async def channels(self) -> None:
        made = await self.ok("POST", f"/guilds/{self.guild}/channels", {"name": "made", "type": 0})
        path = f"/channels/{made['id']}"
        assert (await self.ok("PATCH", path, {"topic": "new", "nsfw": False}))["topic"] == "new"
        await self.ok("GET", path)
        everyone = f"{path}/permissions/{self.guild}"
        await self.ok("PUT", everyone, {"type": 0, "allow": "0", "deny": "2048"})
        await self.ok("DELETE", everyone)
        await self.ok("GET", f"/guilds/{self.guild}/channels")
        await self.ok("PATCH", f"/guilds/{self.guild}/channels", [{"id": made["id"], "position": 1}])
        news = self.world.create_channel("news", kind="announcement")
        posted = await self.ok("POST", f"/channels/{news['id']}/messages", {"content": "news"})
        await self.ok("POST", f"/channels/{news['id']}/messages/{posted['id']}/crosspost")
        await self.ok("POST", f"/channels/{news['id']}/followers", {"webhook_channel_id": made["id"]})
        await self.ok("DELETE", path)

    async def threads(self) -> None:
        thread = await self.ok("POST", f"/channels/{self.channel}/threads", {"name": "talk", "type": 11})
        path = f"/channels/{thread['id']}"
        await self.ok("GET", path)
        await self.ok("PUT", f"{path}/thread-members/@me")
        await self.ok("PUT", f"{path}/thread-members/{self.alice}")
        assert len(await self.ok("GET", f"{path}/thread-members")) == 2
        await self.ok("GET", f"{path}/thread-members/{self.alice}")
        await self.ok("DELETE", f"{path}/thread-members/{self.alice}")
        await self.ok("DELETE", f"{path}/thread-members/@me")
        await self.ok("GET", f"/guilds/{self.guild}/threads/active")
        await self.ok("PATCH", path, {"archived": True})
        for kind in (
            "threads/archived/public",
            "threads/archived/private",
            "users/@me/threads/archived/private",
        ):
            await self.ok("GET", f"/channels/{self.channel}/{kind}")
        assert (await self.ok("GET", f"/channels/{self.channel}/threads/search?name=ta"))[
            "total_results"
        ] == 1
        await self.ok("POST", f"/channels/{self.channel}/messages/{self.message}/threads", {"name": "on it"})
        forum = self.world.create_channel("ideas", kind="forum")
        post = {"name": "idea", "message": {"content": "an idea"}}
        await self.ok("POST", f"/channels/{forum['id']}/threads", post)

    async def webhooks(self) -> None:
        hook = await self.ok("POST", f"/channels/{self.channel}/webhooks", {"name": "hook"})
        await self.ok("GET", f"/channels/{self.channel}/webhooks")
        await self.ok("GET", f"/guilds/{self.guild}/webhooks")
        by_id, by_token = f"/webhooks/{hook['id']}", f"/webhooks/{hook['id']}/{hook['token']}"
        for path in (by_id, by_token):
            await self.ok("GET", path)
            await self.ok("PATCH", path, {"name": "renamed"})
        assert (await self.rest.call("POST", by_token, {"content": "quiet"})).status == 204
        said = await self.ok("POST", f"{by_token}?wait=true", {"content": "loud", "username": "Herald"})
        assert said["author"]["username"] == "Herald"
        message = f"{by_token}/messages/{said['id']}"
        await self.ok("GET", message)
        await self.ok("PATCH", message, {"content": "louder"})
        await self.ok("DELETE", message)
        await self.ok("POST", f"{by_token}/slack", {"text": "from slack"})
        await self.ok(
            "POST",
            f"{by_token}/github",
            {
                "action": "opened",
                "sender": {
                    "id": 1,
                    "login": "octo",
                    "html_url": "https://example.org/octo",
                    "avatar_url": "https://example.org/o.png",
                },
            },
        )
        await self.ok("DELETE", by_token)
        again = await self.ok("POST", f"/channels/{self.channel}/webhooks", {"name": "hook"})
        await self.ok("DELETE", f"/webhooks/{again['id']}")

    async def members(self) -> None:
        base = f"/guilds/{self.guild}/members"
        assert len(await self.ok("GET", f"{base}?limit=100")) == 4
        assert (await self.ok("GET", f"{base}/search?query=ali"))[0]["user"]["username"] == "alice"
        await self.ok("GET", f"{base}/{self.bob}")
        assert (await self.ok("PATCH", f"{base}/{self.bob}", {"nick": "Bobby"}))["nick"] == "Bobby"
        await self.ok("PATCH", f"{base}/@me", {"nick": "Botty"})
        dave = self.world.join("dave")["user"]["id"]
        await self.ok("DELETE", f"{base}/{dave}")
        token = self.world.authorize("dave", "guilds.join")["access_token"]
        await self.ok("PUT", f"{base}/{dave}", {"access_token": token})
        bans = f"/guilds/{self.guild}/bans"
        await self.ok("PUT", f"{bans}/{dave}", {}, headers={"X-Audit-Log-Reason": "rude%20words"})
        assert (await self.ok("GET", f"{bans}/{dave}"))["reason"] == "rude words"
        await self.ok("GET", bans)
        await self.ok("DELETE", f"{bans}/{dave}")
        await self.ok("POST", f"/guilds/{self.guild}/bulk-ban", {"user_ids": [dave]})
        await self.ok("GET", f"/guilds/{self.guild}/prune")
        await self.ok("POST", f"/guilds/{self.guild}/prune", {"days": 7})
        self.world.join("bob")
        await self.ok("GET", f"/guilds/{self.guild}/audit-logs")

    async def roles(self) -> None:
        base = f"/guilds/{self.guild}/roles"
        role = await self.ok("POST", base, {"name": "new", "permissions": "0"})
        await self.ok("GET", base)
        await self.ok("GET", f"{base}/{role['id']}")
        await self.ok("PATCH", f"{base}/{role['id']}", {"name": "newer"})
        await self.ok("PATCH", base, [{"id": role["id"], "position": 2}])
        member = f"/guilds/{self.guild}/members/{self.alice}/roles/{role['id']}"
        await self.ok("PUT", member)
        assert (await self.ok("GET", f"{base}/member-counts"))[role["id"]] == 1
        await self.ok("DELETE", member)
        await self.ok("DELETE", f"{base}/{role['id']}")

    async def guild_itself(self) -> None:
        base = f"/guilds/{self.guild}"
        await self.ok("GET", base)
        await self.ok("GET", f"{base}?with_counts=true")
        await self.ok("PATCH", base, {"description": "Described"})
        for part in ("preview", "regions", "integrations", "vanity-url", "requests", "new-member-welcome"):
            await self.ok("GET", f"{base}/{part}")
        until = {"invites_disabled_until": "2030-01-01T00:00:00+00:00"}
        await self.ok("PUT", f"{base}/incident-actions", until)

    async def guild_features(self) -> None:
        base = f"/guilds/{self.guild}"
        screen = {"welcome_channels": [{"channel_id": str(self.channel), "description": "Start here"}]}
        await self.ok("PATCH", f"{base}/welcome-screen", screen)
        await self.ok("GET", f"{base}/welcome-screen")
        assert (await self.rest.call("GET", f"{base}/widget.json")).status == 403
        await self.ok("PATCH", f"{base}/widget", {"enabled": True})
        for part in ("widget", "widget.json", "widget.png", "onboarding"):
            await self.ok("GET", f"{base}/{part}")
        choice = {"title": "Red", "role_ids": [], "channel_ids": [str(self.channel)]}
        prompt = {"id": "0", "title": "Colour?", "options": [choice]}
        await self.ok("PUT", f"{base}/onboarding", {"prompts": [prompt], "enabled": True})
        template = await self.ok("POST", f"{base}/templates", {"name": "mould"})
        path = f"{base}/templates/{template['code']}"
        await self.ok("GET", f"/guilds/templates/{template['code']}")
        await self.ok("GET", f"{base}/templates")
        await self.ok("PATCH", path, {"description": "a mould"})
        await self.ok("PUT", path)
        await self.ok("DELETE", path)

    async def expressions(self) -> None:
        for base in (f"/guilds/{self.guild}/emojis", f"/applications/{self.app}/emojis"):
            made = await self.ok("POST", base, {"name": "wave", "image": IMAGE})
            await self.ok("GET", base)
            await self.ok("GET", f"{base}/{made['id']}")
            await self.ok("PATCH", f"{base}/{made['id']}", {"name": "waves"})
            await self.ok("DELETE", f"{base}/{made['id']}")
        base = f"/guilds/{self.guild}/stickers"
        data = form(None, ("file", "dot.png", PNG), name="dot", description="a dot", tags="dot")
        made = await self.ok("POST", base, data=data)
        await self.ok("GET", base)
        await self.ok("GET", f"{base}/{made['id']}")
        await self.ok("GET", f"/stickers/{made['id']}")
        await self.ok("PATCH", f"{base}/{made['id']}", {"name": "dots"})
        await self.ok("DELETE", f"{base}/{made['id']}")

    async def sounds_and_voice(self) -> None:
        base = f"/guilds/{self.guild}/soundboard-sounds"
        made = await self.ok("POST", base, {"name": "boo", "sound": "data:audio/ogg;base64,T2dnUw=="})
        await self.ok("GET", base)
        await self.ok("GET", f"{base}/{made['sound_id']}")
        await self.ok("PATCH", f"{base}/{made['sound_id']}", {"name": "boo!"})
        sound = {"sound_id": made["sound_id"]}
        await self.ok("POST", f"/channels/{self.voice}/send-soundboard-sound", sound)
        await self.ok("DELETE", f"{base}/{made['sound_id']}")
        await self.ok("PUT", f"/channels/{self.voice}/voice-status", {"status": "Talking"})
        stage = int(self.world.create_channel("stage", kind="stage")["id"])
        self.world.set_bot_voice(self.guild, stage)
        self.world.voice_join(stage, "alice")
        states = f"/guilds/{self.guild}/voice-states"
        for who in ("@me", self.alice):
            await self.ok("GET", f"{states}/{who}")
            await self.ok("PATCH", f"{states}/{who}", {"channel_id": str(stage), "suppress": True})
        topic = {"channel_id": str(stage), "topic": "News"}
        await self.ok("POST", "/stage-instances", topic)
        await self.ok("GET", f"/stage-instances/{stage}")
        await self.ok("PATCH", f"/stage-instances/{stage}", {"topic": "More news"})
        await self.ok("DELETE", f"/stage-instances/{stage}")

    async def events_and_automod(self) -> None:
        base = f"/guilds/{self.guild}/scheduled-events"
        event = {
            "name": "party",
            "privacy_level": 2,
            "entity_type": 3,
            "scheduled_start_time": "2030-01-01T00:00:00+00:00",
            "scheduled_end_time": "2030-01-02T00:00:00+00:00",
            "entity_metadata": {"location": "here"},
        }
        made = await self.ok("POST", base, event)
        path = f"{base}/{made['id']}"
        await self.ok("GET", base)
        await self.ok("GET", path)
        await self.ok("PATCH", path, {"name": "big party"})
        await self.ok("GET", f"{path}/users")
        await self.ok("GET", f"{path}/users/counts")
        await self.ok("DELETE", path)
        base = f"/guilds/{self.guild}/auto-moderation/rules"
        rule = {
            "name": "no",
            "event_type": 1,
            "trigger_type": 1,
            "trigger_metadata": {"keyword_filter": ["forbidden"]},
            "actions": [{"type": 1, "metadata": {}}],
            "enabled": True,
        }
        made = await self.ok("POST", base, rule)
        await self.ok("GET", base)
        await self.ok("GET", f"{base}/{made['id']}")
        await self.ok("PATCH", f"{base}/{made['id']}", {"name": "no no"})
        await self.ok("DELETE", f"{base}/{made['id']}")

    async def commands(self) -> None:
        everywhere = f"/applications/{self.app}/commands"
        here = f"/applications/{self.app}/guilds/{self.guild}/commands"
        for base in (everywhere, here):
            made = await self.rest.call("POST", base, {"name": "ping", "description": "Pong"}, expect=201)
            await self.rest.call("POST", base, {"name": "ping", "description": "Pong!"}, expect=200)
            path = f"{base}/{made.body['id']}"
            await self.ok("GET", base)
            await self.ok("GET", path)
            assert (await self.ok("PATCH", path, {"description": "P"}))["description"] == "P"
            await self.ok("DELETE", path)
            kept = await self.ok("PUT", base, [{"name": "ask", "description": "Ask", "type": 1}])
        path = f"{here}/{kept[0]['id']}/permissions"
        allow = {"permissions": [{"id": str(self.guild), "type": 1, "permission": True}]}
        await self.ok("PUT", path, allow)
        await self.ok("GET", path)
        await self.ok("GET", f"{here}/permissions")

    async def interactions(self) -> None:
        def asked() -> tuple[str, str]:
            started = self.world.interact("general", "alice", "ask")
            token = started["token"]
            return f"/interactions/{started['id']}/{token}/callback", f"/webhooks/{self.app}/{token}"

        callback, hook = asked()
        answer = {"type": 4, "data": {"content": "Answered"}}
        shown = await self.ok("POST", f"{callback}?with_response=true", answer)
        assert shown["resource"]["message"]["content"] == "Answered"
        original = f"{hook}/messages/@original"
        await self.ok("GET", original)
        await self.ok("PATCH", original, {"content": "Answered again"})
        await self.ok("POST", f"{hook}?wait=true", {"content": "And more"})
        await self.ok("DELETE", original)
        clicked = self.world.click(self.channel, self.buttons, "alice", custom_id="go")
        deferred = f"/interactions/{clicked['id']}/{clicked['token']}/callback"
        assert (await self.rest.call("POST", deferred, {"type": 6})).status == 204

    async def money(self) -> None:
        base = f"/applications/{self.app}/entitlements"
        sku = self.world.create_sku("Gold")["id"]
        await self.ok("GET", base)
        skus = await self.ok("GET", f"/applications/{self.app}/skus", conform=False)  # not in the document
        assert [each["name"] for each in skus] == ["Gold"]
        await self.ok("GET", f"/skus/{sku}/subscriptions?user_id={self.alice}")

    async def invites(self) -> None:
        invite = await self.ok("POST", f"/channels/{self.channel}/invites", {"max_age": 60})
        for path in (f"/channels/{self.channel}/invites", f"/guilds/{self.guild}/invites"):
            assert len(await self.ok("GET", path)) == 1
        await self.ok("GET", f"/invites/{invite['code']}")
        await self.ok("DELETE", f"/invites/{invite['code']}")

    async def goodbye(self) -> None:
        await self.ok("DELETE", f"/users/@me/guilds/{self.guild}")
        await self.rest.call("GET", f"/guilds/{self.guild}", expect=404)


NOT_IN_THE_STORY = {
    # test_rest_users_tokens.py: what takes a user's token, a SKU, a lobby, a request to join.
    *("create_entitlement", "get_entitlement", "delete_entitlement", "consume_entitlement"),
    *("get_sku_subscription", "get_current_user_application_entitlements"),
    *("get_my_oauth2_authorization", "get_openid_connect_userinfo", "list_my_connections"),
    *("get_my_guild_member", "get_application_user_role_connection"),
    *("update_application_user_role_connection", "delete_application_user_role_connection"),
    *("create_lobby", "create_or_join_lobby", "get_lobby", "edit_lobby", "delete_lobby", "leave_lobby"),
    *("add_lobby_member", "bulk_update_lobby_members", "delete_lobby_member", "edit_lobby_channel_link"),
    *("create_lobby_message", "get_lobby_messages", "update_lobby_message_external_moderation_metadata"),
    *("create_linked_lobby_guild_invite_for_self", "create_linked_lobby_guild_invite_for_user"),
    *("bot_partner_sdk_token", "bot_partner_sdk_unmerge_provisional_account"),
    "update_user_message_external_moderation_metadata",
    *("applications_get_activity_instance", "upload_application_attachment", "action_guild_join_request"),
    # test_rest_kept_fields.py: exceptions of events that recur.
    *("create_guild_scheduled_event_exception", "update_guild_scheduled_event_exception"),
    *("delete_guild_scheduled_event_exception", "list_guild_scheduled_event_exception_users"),
    # test_rest_search_and_invites.py: invites for certain users; removing the bot's integration.
    *("get_invite_target_users", "update_invite_target_users", "get_invite_target_users_job_status"),
    "delete_guild_integration",
    # There are no groups, so that nobody can be added to one.
    *("add_group_dm_user", "delete_group_dm_user"),
}


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    async with sandbox() as started:
        yield started


async def test_every_operation_answers_as_the_document_says(rest: Rest) -> None:
    await asyncio.wait_for(Story(rest).tell(), 60)
    states = {(method, path): state for method, path, state in routes_table()}
    answered = {
        name for name, each in contract.operations().items() if states[each.method, each.path] != "missing"
    }
    assert answered - rest.used - NOT_IN_THE_STORY == set()


async def test_what_the_sandbox_lacks_says_so(rest: Rest) -> None:
    body = {"client_id": "1", "external_auth_token": "t", "external_auth_type": "OIDC"}
    lacking: dict[str, Any] = (await rest.call("POST", "/partner-sdk/token", body, expect=501)).body
    assert "POST /partner-sdk/token: the sandbox cannot check" in lacking["message"]
