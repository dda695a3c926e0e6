"""Search by every parameter."""

from __future__ import annotations

from collections.abc import Mapping

from nescord_core.sandbox.world.extra_fields import extra_fields_of
from support.sandbox.running_rest import (
    Rest,
    general,
    guild,
)


async def found(rest: Rest, query: str) -> list[str]:
    answer = await rest.ok("GET", f"{guild(rest)}/messages/search?{query}")
    assert all(len(each) == 1 and each[0]["hit"] for each in answer["messages"])
    return [each[0]["content"] for each in answer["messages"]]


async def test_search_by_each_parameter(rest: Rest) -> None:
    world = rest.world
    ids = {name: world.find_user(name).id for name in ("alice", "bob")}
    first = world.say("general", "alice", "apple https://example.org/x")
    world.say("random", "bob", f"banana <@{ids['alice']}>", files=[("notes.txt", b"x")])
    world.say("general", "bob", "apple apple", reply_to=first["id"])
    embed = {"content": "cherry", "embeds": [{"title": "T"}]}
    await rest.ok("POST", f"{general(rest)}/messages", embed)
    hook = world.model.create_webhook(world.find_channel("random").id, "hook", ids["bob"])
    await rest.ok("POST", f"/webhooks/{hook.id}/{hook.token}", {"content": "damson"})
    await rest.ok("PUT", f"{general(rest)}/messages/pins/{first['id']}")
    cases: Mapping[str, list[str]] = {
        "content=apple": ["apple apple", "apple https://example.org/x"],
        "content=apple&sort_order=asc": ["apple https://example.org/x", "apple apple"],
        "content=apple&sort_by=relevance": ["apple apple", "apple https://example.org/x"],
        f"author_id={ids['bob']}&limit=1": ["apple apple"],
        f"author_id={ids['bob']}&limit=1&offset=1": [f"banana <@{ids['alice']}>"],
        "author_type=bot&has=embed": ["cherry"],
        "author_type=webhook": ["damson"],
        f"mentions={ids['alice']}&has=file": [f"banana <@{ids['alice']}>"],
        f"replied_to_user_id={ids['alice']}": ["apple apple"],
        f"replied_to_message_id={first['id']}": ["apple apple"],
        "has=embed": ["cherry"],
        "has=link": ["apple https://example.org/x"],
        "link_hostname=example.org": ["apple https://example.org/x"],
        "attachment_extension=txt": [f"banana <@{ids['alice']}>"],
        "attachment_filename=notes.txt": [f"banana <@{ids['alice']}>"],
        "embed_type=article": ["cherry"],
        "pinned=true": ["apple https://example.org/x"],
        f"max_id={first['id']}": ["apple https://example.org/x"],
        f"channel_id={world.find_channel('random').id}&author_type=-webhook": [f"banana <@{ids['alice']}>"],
        "content=nothing": [],
    }
    for query, wanted in cases.items():
        assert await found(rest, query) == wanted, query
    assert len(await found(rest, f"author_id={ids['bob']}&author_id={ids['alice']}")) == 3


async def test_search_leaves_out_what_is_nsfw_or_hidden(rest: Rest) -> None:
    rest.world.say("random", "alice", "secret")
    extra_fields_of(rest.world.find_channel("random"))["nsfw"] = True
    assert await found(rest, "content=secret") == []
    assert await found(rest, "content=secret&include_nsfw=true") == ["secret"]


async def test_search_of_threads(rest: Rest) -> None:
    made = [
        await rest.ok("POST", f"{general(rest)}/threads", {"name": name, "type": 11})
        for name in ("tea", "toast", "tart")
    ]
    await rest.ok("PATCH", f"/channels/{made[0]['id']}", {"archived": True})
    path = f"{general(rest)}/threads/search"
    names = [each["name"] for each in (await rest.ok("GET", f"{path}?limit=2"))["threads"]]
    assert names == ["tart", "toast"]
    archived = await rest.ok("GET", f"{path}?archived=true&name=TEA")
    assert (archived["total_results"], archived["has_more"]) == (1, False)
