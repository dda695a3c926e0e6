"""The REST API on a real socket: tokens, versions, errors, limits, headers, files."""

from __future__ import annotations

import asyncio

import aiohttp

from nescord_core.sandbox.http.rate_limits import InvalidRequests
from nescord_core.settings import SandboxSettings
from support.sandbox.running_rest import (
    Rest,
    general,
    guild,
    sandbox,
)


async def test_a_wrong_token_is_401(rest: Rest) -> None:
    for headers in ({"Authorization": "Bot wrong"}, {"Authorization": ""}, {"Authorization": "Bearer x"}):
        reply = await rest.call("GET", "/users/@me", headers=headers, expect=401)
        assert reply.body == {"message": "401: Unauthorized", "code": 0}
    assert len(rest.api.invalid_requests) == 3
    await rest.call("GET", "/gateway", headers={"Authorization": ""}, expect=200)


async def test_versions(rest: Rest) -> None:
    for prefix in ("/api/v10", "/api/v9", "/api"):
        await rest.call("GET", "/users/@me", prefix=prefix, expect=200)
    assert (await rest.call("GET", "/users/@me", prefix="/api/v6", expect=400)).body["code"] == 50041


async def test_unknown_routes_are_404(rest: Rest) -> None:
    reply = await rest.call("GET", "/no/such/route", expect=404)
    assert reply.body == {"message": "404: Not Found", "code": 0}


async def test_discords_error_codes(rest: Rest) -> None:
    cases = [
        ("POST", f"{general(rest)}/messages", {}, 400, 50006),
        ("POST", f"{general(rest)}/messages", {"content": "x" * 2001}, 400, 50035),
        ("GET", "/channels/1", None, 404, 10003),
        ("GET", "/channels/general", None, 400, 50035),
        ("GET", f"{general(rest)}/messages/1", None, 404, 10008),
        ("GET", "/guilds/1", None, 404, 10004),
        ("GET", "/users/1", None, 404, 10013),
        ("GET", "/invites/nope", None, 404, 10006),
        ("POST", "/webhooks/1/nope", {"content": "x"}, 404, 10015),
        ("POST", "/interactions/1/nope/callback", {"type": 1}, 404, 10062),
        ("GET", f"{general(rest)}/messages?limit=101", None, 400, 50035),
    ]
    for method, path, body, status, code in cases:
        assert (await rest.call(method, path, body, expect=status)).body["code"] == code, path


async def test_permissions_are_checked(rest: Rest) -> None:
    bot = str(rest.world.application_id)
    overwrite = {"type": 1, "allow": "0", "deny": str(1 << 11)}
    await rest.call("PUT", f"{general(rest)}/permissions/{bot}", overwrite, expect=204)
    reply = await rest.call("POST", f"{general(rest)}/messages", {"content": "x"}, expect=403)
    assert reply.body == {"message": "Missing Permissions", "code": 50013}
    said = rest.world.say("general", "alice", "mine")
    path = f"{general(rest)}/messages/{said['id']}"
    assert (await rest.call("PATCH", path, {"content": "x"}, expect=403)).body["code"] == 50005


async def test_a_body_that_is_not_json(rest: Rest) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await rest.call("POST", f"{general(rest)}/messages", data=b"{", headers=headers, expect=400)
    assert reply.body["code"] == 50109


async def test_an_unsupported_field_is_named_unless_it_asks_for_nothing(rest: Rest) -> None:
    assert (await rest.call("PATCH", general(rest), {"nsfw": False}, expect=200)).body["name"] == "general"
    reply = await rest.call("PATCH", general(rest), {"icon": "data:"}, expect=501)
    assert "icon of PATCH /channels/{channel_id}" in reply.body["message"]
    teamed = await rest.call("PATCH", "/applications/@me", {"team_id": "1"}, expect=501)
    assert "team_id" in teamed.body["message"]


async def test_audit_log_reason(rest: Rest) -> None:
    """X-Audit-Log-Reason: 1 to 512 characters, URL-encoded."""
    long = {"X-Audit-Log-Reason": "x" * 513}
    assert (await rest.call("PATCH", general(rest), {"topic": "a"}, headers=long, expect=400)).body[
        "code"
    ] == 50035
    await rest.call("PATCH", general(rest), {"topic": "b"}, headers={"X-Audit-Log-Reason": "caf%C3%A9"})
    guild = rest.world.guild_ids()[0]
    log = await rest.ok("GET", f"/guilds/{guild}/audit-logs")
    assert log["audit_log_entries"][0]["reason"] == "café"


async def test_files_are_served_from_the_same_socket(rest: Rest) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", '{"attachments": [{"id": "1", "filename": "b.html"}, {"id": "0"}]}')
    form.add_field("files[1]", b"<script>", filename="ignored.txt")
    form.add_field("files[0]", b"first", filename="a b.txt")
    sent = await rest.ok("POST", f"{general(rest)}/messages", data=form)
    assert [each["filename"] for each in sent["attachments"]] == ["a b.txt", "b.html"]
    for attachment, content in zip(sent["attachments"], (b"first", b"<script>"), strict=True):
        assert attachment["url"].startswith(rest.url + "/cdn/attachments/")
        async with rest.session.get(attachment["url"]) as file:
            assert await file.read() == content
            assert file.headers["Content-Security-Policy"] == "sandbox"
    async with rest.session.get(f"{rest.url}/cdn/attachments/../../etc/passwd") as file:
        assert file.status == 404


async def test_message_bucket_and_its_headers() -> None:
    async with sandbox(limits=True) as rest:
        path = f"{general(rest)}/messages"
        first = await rest.call("POST", path, {"content": "1"}, expect=200)
        assert first.headers["X-RateLimit-Limit"] == "5"
        assert first.headers["X-RateLimit-Remaining"] == "4"
        assert 0 < float(first.headers["X-RateLimit-Reset-After"]) <= 1.0
        assert first.headers["Via"] == "1.1 nescord-sandbox"
        replies = [await rest.call("POST", path, {"content": "2"}) for _ in range(9)]
        limited = [each for each in replies if each.status == 429]
        assert limited
        assert limited[0].headers["X-RateLimit-Scope"] == "user"
        assert limited[0].headers["X-RateLimit-Bucket"] == first.headers["X-RateLimit-Bucket"]
        assert limited[0].body["retry_after"] > 0
        assert limited[0].body["global"] is False
        other = rest.world.find_channel("random").id
        await rest.call("POST", f"/channels/{other}/messages", {"content": "3"}, expect=200)
        await asyncio.sleep(limited[-1].body["retry_after"] + 0.05)
        await rest.call("POST", path, {"content": "4"}, expect=200)


async def test_the_global_limit_spares_interactions() -> None:
    """Interaction callbacks are exempt from the global limit."""
    async with sandbox(SandboxSettings(global_limit=3), limits=True) as rest:
        paths = [f"/users/{rest.world.find_user('alice').id}"] * 8
        replies = await asyncio.gather(*(rest.call("GET", path) for path in paths))
        limited = [each for each in replies if each.status == 429]
        assert limited
        assert limited[0].headers["X-RateLimit-Global"] == "true"
        assert limited[0].headers["X-RateLimit-Scope"] == "global"
        assert limited[0].body["global"] is True
        callbacks = [rest.call("POST", "/interactions/1/x/callback", {"type": 1}) for _ in range(8)]
        assert {each.status for each in await asyncio.gather(*callbacks)} == {404}


async def test_a_hidden_limit_of_channel_names() -> None:
    """Channel name or topic 2 per 10 min, absent from headers: a 429 with Remaining above 0."""
    async with sandbox(limits=True) as rest:
        path = general(rest)
        for name in ("one", "two"):
            await rest.call("PATCH", path, {"name": name}, expect=200)
        reply = await rest.call("PATCH", path, {"name": "three"}, expect=429)
        assert int(reply.headers["X-RateLimit-Remaining"]) > 0
        assert reply.body["retry_after"] > 60
        await rest.call("PATCH", path, {"rate_limit_per_user": 5}, expect=200)


async def test_too_many_invalid_requests_end_in_a_ban_by_the_front() -> None:
    """A ban by the front is a 429 that is not JSON, without a Via header."""
    async with sandbox() as rest:
        rest.api.invalid_requests = InvalidRequests(limit=3)
        for _ in range(3):
            await rest.call("GET", "/users/@me", headers={"Authorization": "Bot x"}, expect=401)
        reply = await rest.call("GET", "/users/@me", expect=429)
        assert isinstance(reply.body, bytes)
        assert "Via" not in reply.headers
        assert int(reply.headers["Retry-After"]) > 60


async def test_another_method_of_a_known_path_is_405(rest: Rest) -> None:
    refused = await rest.call("PUT", f"{general(rest)}/messages", {}, expect=405, conform=False)
    assert refused.body == {"message": "405: Method Not Allowed", "code": 0}


async def test_the_percent_encoded_at_me_is_at_me(rest: Rest) -> None:
    """discord.js asks for %40me."""
    assert (await rest.ok("PATCH", f"{guild(rest)}/members/%40me", {"nick": "N"}))["nick"] == "N"
