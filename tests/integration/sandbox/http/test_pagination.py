"""Lists that come in pages."""

from __future__ import annotations

from nescord_core.sandbox.world.world import World
from support.sandbox.running_rest import (
    Rest,
    emoji,
    general,
    guild,
)


async def test_history_pages(rest: Rest) -> None:
    ids = [rest.world.say("general", "alice", f"m{number}")["id"] for number in range(10)]
    base = f"{general(rest)}/messages"

    async def page(query: str) -> list[int]:
        return [ids.index(each["id"]) for each in await rest.ok("GET", f"{base}?{query}")]

    assert await page("limit=3") == [9, 8, 7]
    assert await page(f"limit=3&before={ids[5]}") == [4, 3, 2]
    assert await page(f"limit=3&after={ids[5]}") == [8, 7, 6]
    assert await page(f"limit=3&around={ids[5]}") == [6, 5, 4]


def _reacted(world: World, message: str) -> list[str]:
    for name in ("olivia", "alice", "bob"):
        world.react("general", message, name, "👍")
    return [str(world.find_user(name).id) for name in ("olivia", "alice", "bob")]


async def test_reactions_come_in_pages(rest: Rest) -> None:
    """hikari turns pages until one is empty: a list that ignores ``after`` would never end."""
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "x"})
    users = _reacted(rest.world, sent["id"])
    path = f"{general(rest)}/messages/{sent['id']}/reactions/{emoji('👍')}"
    pages = [await rest.ok("GET", f"{path}?limit=2&after={after}") for after in (0, users[1], users[2])]
    assert [[each["id"] for each in page] for page in pages] == [users[:2], users[2:], []]


async def test_thread_members_come_in_pages_with_their_members(rest: Rest) -> None:
    thread = await rest.ok("POST", f"{general(rest)}/threads", {"name": "t", "type": 11})
    alice = rest.world.find_user("alice").id
    await rest.call("PUT", f"/channels/{thread['id']}/thread-members/{alice}", expect=204)
    path = f"/channels/{thread['id']}/thread-members"
    first = await rest.ok("GET", f"{path}?with_member=true&limit=1")
    second = await rest.ok("GET", f"{path}?with_member=true&limit=1&after={first[0]['user_id']}")
    rest_of = await rest.ok("GET", f"{path}?with_member=true&after={second[0]['user_id']}")
    assert [each["user_id"] for each in (*first, *second)] == [str(rest.world.application_id), str(alice)]
    assert second[0]["member"]["user"]["username"] == "alice"
    assert rest_of == []
    assert len(await rest.ok("GET", path)) == 2


async def test_bans_come_in_pages(rest: Rest) -> None:
    banned = [str(rest.world.find_user(name).id) for name in ("alice", "bob")]
    for each in banned:
        await rest.call("PUT", f"{guild(rest)}/bans/{each}", {}, expect=204)
    for query, wanted in (("limit=1", [0]), (f"after={banned[0]}", [1]), (f"before={banned[1]}", [0])):
        page = await rest.ok("GET", f"{guild(rest)}/bans?{query}")
        assert [each["user"]["id"] for each in page] == [banned[index] for index in wanted]


async def test_archived_threads_come_in_pages(rest: Rest) -> None:
    for name in ("one", "two", "three"):
        thread = await rest.ok("POST", f"{general(rest)}/threads", {"name": name, "type": 11})
        await rest.ok("PATCH", f"/channels/{thread['id']}", {"archived": True})
    path = f"{general(rest)}/threads/archived/public"
    page = await rest.ok("GET", f"{path}?limit=2")
    assert ([each["name"] for each in page["threads"]], page["has_more"]) == (["three", "two"], True)
    before = page["threads"][1]["thread_metadata"]["archive_timestamp"].replace("+00:00", "Z")
    page = await rest.ok("GET", f"{path}?before={before}")
    assert ([each["name"] for each in page["threads"]], page["has_more"]) == (["one"], False)
