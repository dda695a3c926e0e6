"""Files that embeds and components show: sent, edited, by every operation that writes a message."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest

from support.sandbox.running_rest import IMAGE, PNG, Events, Rest, general, guild, last

EMBED = {
    "type": "article",
    "title": "four pictures",
    "image": {"url": "attachment://a.png", "description": "alt", "width": 7},
    "thumbnail": {"url": "attachment://b.png"},
    "author": {"name": "me", "icon_url": "attachment://c.png"},
    "footer": {"text": "below", "icon_url": "attachment://d.png"},
}
LAYOUT: dict[str, Any] = {
    "flags": 1 << 15,
    "components": [
        {
            "type": 17,
            "components": [
                {
                    "type": 9,
                    "components": [{"type": 10, "content": "beside"}],
                    "accessory": {"type": 11, "media": {"url": "attachment://a.png"}},
                },
                {"type": 12, "items": [{"media": {"url": "attachment://b.png"}}]},
            ],
        },
        {"type": 13, "file": {"url": "attachment://notes.txt"}},
    ],
}
CDN = re.compile(r"http://127\.0\.0\.1:\d+/cdn/attachments/\d+/\d+/[a-d]\.png")


def form(payload: dict[str, Any], *names: str) -> aiohttp.FormData:
    made = aiohttp.FormData(quote_fields=False)
    made.add_field("payload_json", json.dumps(payload))
    for index, name in enumerate(names):
        made.add_field(f"files[{index}]", PNG if name.endswith("png") else b"text", filename=name)
    return made


def names_of(message: dict[str, Any]) -> list[str]:
    return [each["filename"] for each in message["attachments"]]


def check_linked(message: dict[str, Any]) -> None:
    """The four files are addresses in the embed, with what is known of them, and not listed."""
    embed = message["embeds"][0]
    assert embed["type"] == "rich"
    assert names_of(message) == ["listed.png"]
    for part in (embed["image"], embed["thumbnail"]):
        assert CDN.fullmatch(part["url"])
        assert part["proxy_url"] == part["url"]
        assert (part["width"], part["height"], part["content_type"]) == (1, 1, "image/png")
    assert embed["image"]["description"] == "alt"
    for part in (embed["author"], embed["footer"]):
        assert CDN.fullmatch(part["icon_url"])
        assert part["proxy_icon_url"] == part["icon_url"]
    assert "attachment_id" not in json.dumps(embed)


FIVE = ("a.png", "b.png", "c.png", "d.png", "listed.png")


@pytest.fixture
async def paths(rest: Rest) -> dict[str, tuple[str, str]]:
    """Where a message can be sent, and the field of the body that has it."""
    world = rest.world
    hook = world.model.create_webhook(world.find_channel("general").id, "hook", world.application_id)
    forum = await rest.ok("POST", f"{guild(rest)}/channels", {"name": "ideas", "type": 15})
    await rest.ok(
        "PUT", f"/applications/{world.application_id}/commands", [{"name": "x", "description": "d"}]
    )
    first, second = (world.interact("general", "alice", "x") for _ in range(2))
    deferred = f"/interactions/{second['id']}/{second['token']}/callback"
    await rest.ok("POST", deferred, {"type": 5})
    return {
        "channel": (f"{general(rest)}/messages", ""),
        "webhook": (f"/webhooks/{hook.id}/{hook.token}?wait=true", ""),
        "forum": (f"/channels/{forum['id']}/threads", "message"),
        "interaction": (f"/interactions/{first['id']}/{first['token']}/callback?with_response=true", "data"),
        "follow-up": (f"/webhooks/{world.application_id}/{second['token']}?wait=true", ""),
    }


@pytest.mark.parametrize("where", ["channel", "webhook", "forum", "interaction", "follow-up"])
async def test_embeds_show_files_wherever_a_message_is_sent(
    rest: Rest, paths: dict[str, tuple[str, str]], heard: Events, where: str
) -> None:
    path, field = paths[where]
    message = {"embeds": [EMBED]}
    body = message if not field else {"type": 4, "name": "post", field: message}
    answer = await rest.ok("POST", path, data=form(body, *FIVE))
    sent = {"data": lambda: answer["resource"]["message"], "message": lambda: answer["message"]}.get(
        field, lambda: answer
    )()
    check_linked(sent)
    announced = "MESSAGE_UPDATE" if where == "follow-up" else "MESSAGE_CREATE"
    check_linked(last(heard, announced))
    check_linked(await rest.ok("GET", f"/channels/{sent['channel_id']}/messages/{sent['id']}"))
    async with rest.session.get(sent["embeds"][0]["image"]["url"]) as file:
        assert await file.read() == PNG


async def test_a_file_is_listed_again_once_no_embed_refers_to_it(rest: Rest) -> None:
    sent = await rest.ok("POST", f"{general(rest)}/messages", data=form({"embeds": [EMBED]}, *FIVE))
    path = f"{general(rest)}/messages/{sent['id']}"
    check_linked(await rest.ok("PATCH", path, {"content": "the embeds stay"}))
    # Sent back as it came, the embed has addresses and no references.
    back = await rest.ok("PATCH", path, {"embeds": sent["embeds"]})
    assert names_of(back) == list(FIVE)
    assert back["embeds"][0]["image"] == sent["embeds"][0]["image"]
    check_linked(await rest.ok("PATCH", path, {"embeds": [EMBED]}))
    assert names_of(await rest.ok("PATCH", path, {"embeds": []})) == list(FIVE)


async def test_an_edit_refers_to_the_files_that_it_keeps_and_brings(rest: Rest) -> None:
    sent = await rest.ok("POST", f"{general(rest)}/messages", data=form({"content": "x"}, "old.png"))
    path = f"{general(rest)}/messages/{sent['id']}"
    assert (sent["attachments"][0]["width"], sent["attachments"][0]["height"]) == (1, 1)
    body = {
        "embeds": [{"image": {"url": "attachment://old.png"}, "thumbnail": {"url": "attachment://new.png"}}],
        "attachments": [{"id": sent["attachments"][0]["id"]}, {"id": 0, "filename": "new.png"}],
    }
    edited = await rest.ok("PATCH", path, data=form(body, "new.png"))
    assert edited["attachments"] == []
    assert edited["embeds"][0]["image"]["url"] == sent["attachments"][0]["url"]
    assert edited["embeds"][0]["thumbnail"]["url"].endswith("/new.png")
    replaced = await rest.ok("PATCH", path, data=form({**body, "attachments": [{"id": 0}]}, "new.png"))
    assert replaced["embeds"][0]["image"] == {"url": "attachment://old.png"}, "it is not kept"


async def test_every_operation_that_edits_a_message(rest: Rest, paths: dict[str, tuple[str, str]]) -> None:
    """By a webhook, to a deferred response, to a follow-up, and from a button."""
    hook, deferred = paths["webhook"][0].partition("?")[0], paths["follow-up"][0].partition("?")[0]
    said = await rest.ok("POST", f"{hook}?wait=true", {"content": "x"})
    check_linked(
        await rest.ok("PATCH", f"{hook}/messages/{said['id']}", data=form({"embeds": [EMBED]}, *FIVE))
    )
    check_linked(
        await rest.ok("PATCH", f"{deferred}/messages/@original", data=form({"embeds": [EMBED]}, *FIVE))
    )
    followed = await rest.ok("POST", f"{deferred}?wait=true", {"content": "x"})
    path = f"{deferred}/messages/{followed['id']}"
    check_linked(await rest.ok("PATCH", path, data=form({"embeds": [EMBED]}, *FIVE)))
    button = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"components": [button]})
    used = rest.world.click("general", sent["id"], "alice", custom_id="go")
    body = form({"type": 7, "data": {"embeds": [EMBED]}}, *FIVE)
    path = f"/interactions/{used['id']}/{used['token']}/callback?with_response=true"
    check_linked((await rest.ok("POST", path, data=body))["resource"]["message"])
    check_linked(await rest.ok("GET", f"{general(rest)}/messages/{sent['id']}"))


async def test_layouts_show_files(rest: Rest, heard: Events) -> None:
    files = ("a.png", "b.png", "notes.txt")
    sent = await rest.ok("POST", f"{general(rest)}/messages", data=form(LAYOUT, *files))
    assert sent["attachments"] == last(heard, "MESSAGE_CREATE")["attachments"] == []
    container, file = sent["components"]
    for media in (
        container["components"][0]["accessory"]["media"],
        container["components"][1]["items"][0]["media"],
    ):
        assert CDN.fullmatch(media["url"])
        assert (media["width"], media["height"], media["content_type"]) == (1, 1, "image/png")
        assert media["attachment_id"].isdecimal()
    assert (file["name"], file["size"]) == ("notes.txt", 4)
    path = f"{general(rest)}/messages/{sent['id']}"
    back = await rest.ok("PATCH", path, {"components": [container]})
    assert names_of(back) == list(files), "addresses are no references"
    missing = await rest.call("POST", f"{general(rest)}/messages", data=form(LAYOUT, "a.png"), expect=400)
    assert "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND" in json.dumps(missing.body)


async def test_files_of_ephemeral_forwarded_and_published_messages(rest: Rest) -> None:
    sent = await rest.ok("POST", f"{general(rest)}/messages", data=form({"embeds": [EMBED]}, *FIVE))
    reference = {"type": 1, "channel_id": sent["channel_id"], "message_id": sent["id"]}
    forwarded = await rest.ok("POST", f"{general(rest)}/messages", {"message_reference": reference})
    check_linked(forwarded["message_snapshots"][0]["message"])

    news = await rest.ok("POST", f"{guild(rest)}/channels", {"name": "news", "type": 5})
    await rest.ok(
        "POST",
        f"/channels/{news['id']}/followers",
        {"webhook_channel_id": str(rest.world.find_channel("random").id)},
    )
    told = await rest.ok("POST", f"/channels/{news['id']}/messages", data=form({"embeds": [EMBED]}, *FIVE))
    await rest.ok("POST", f"/channels/{news['id']}/messages/{told['id']}/crosspost")
    check_linked(rest.world.messages("random")[-1])

    await rest.ok(
        "PUT", f"/applications/{rest.world.application_id}/commands", [{"name": "x", "description": "d"}]
    )
    used = rest.world.interact("general", "alice", "x")
    path = f"/interactions/{used['id']}/{used['token']}/callback?with_response=true"
    answer = await rest.ok("POST", path, data=form({"type": 4, "data": {"flags": 64}}, "a.png"))
    assert answer["resource"]["message"]["attachments"][0]["ephemeral"] is True


async def test_pictures_at_addresses_of_the_sandbox_and_of_other_hosts(rest: Rest) -> None:
    bot = await rest.ok("PATCH", "/users/@me", {"avatar": IMAGE})
    avatar = f"{rest.url}/cdn/avatars/{bot['id']}/{bot['avatar']}.png?size=64"
    elsewhere = "https://example.org/a.png"
    embed = {"image": {"url": avatar}, "thumbnail": {"url": elsewhere}}
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"embeds": [embed]})
    shown = sent["embeds"][0]
    assert (shown["image"]["width"], shown["image"]["height"]) == (1, 1)
    assert shown["thumbnail"] == {"url": elsewhere, "proxy_url": elsewhere}
