"""A client's cache after it has received its guilds, once and repeatedly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import zstandard

from nescord_core.bot.discordpy import internals
from nescord_core.payloads import EventInfo
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.discordpy.client import ToldClient, shard

NAMES = ("connect", "ready", "guild_join", "guild_remove", "guild_available", "guild_unavailable")


def picture(
    guild_id: int, name: str = "guild", channels: Iterable[int] = (), **more: Any
) -> pb.GuildSnapshot:
    guild: dict[str, Any] = {"id": str(guild_id), "name": name, "member_count": 1, "owner_id": "2"}
    guild["channels"] = [
        {"id": str(each), "name": f"channel {each}", "type": 0, "position": 0, "permission_overwrites": []}
        for each in channels
    ]
    guild |= {"roles": [{"id": str(guild_id), "name": "@everyone", "permissions": "0", "position": 0}]} | more
    return pb.GuildSnapshot(guild_id=guild_id, base=zstandard.compress(json.dumps(guild).encode()))


class Bot(ToldClient):
    """Records events about whole guilds."""

    def __init__(self) -> None:
        super().__init__()
        self.fired: list[str] = []
        self.on_dispatch: Callable[[str], object] = str

    def dispatch(self, event: str, /, *args: Any, **more: Any) -> None:
        if event in NAMES:
            self.fired.append(event)
            self.on_dispatch(event)

    async def take(self, message: pb.Snapshot | pb.Share) -> None:
        await super().take(message)
        await asyncio.sleep(0.05)

    def held(self) -> dict[int, str]:
        return {each.id: "?" if each.unavailable else each.name for each in self.guilds}


async def idle() -> Bot:
    bot = Bot()
    await bot.begin()
    return bot


async def started(*guilds: pb.GuildSnapshot, shared: bool = True) -> Bot:
    bot = await idle()
    await bot.take(shard(guilds, shared=shared))
    available = sum(not each.unavailable for each in bot.guilds)
    assert bot.fired == ["connect", *["guild_available"] * available, "ready"]
    bot.fired.clear()
    return bot


def event(kind: str, seq: int, guild_id: int | None = None, session: str = "s1") -> EventInfo:
    return EventInfo(kind, 0, session, seq, guild_id, False, 0.0, 0.0, False)


async def test_a_guild_that_is_told_again_shows_nothing_that_is_gone() -> None:
    bot = await started(picture(5, "old", [51, 52], emojis=[{"id": "9", "name": "smile"}]))
    guild = bot.get_guild(5)
    assert guild is not None
    assert (len(guild.channels), len(bot.emojis)) == (2, 1)
    await bot.take(pb.Share(session_id="s1", seq=20, guilds=[picture(5, "new", [52])]))
    assert bot.get_guild(5) is guild, "who holds the guild sees it as it is now"
    assert (guild.name, [each.id for each in guild.channels], list(bot.emojis)) == ("new", [52], [])
    assert bot.fired == []


async def test_guilds_come_and_go_without_a_word() -> None:
    bot = await started(picture(5), picture(6))
    share = pb.Share(session_id="s1", seq=20, guilds=[picture(7, "came")], unavailable=[8], gone=[5])
    await bot.take(share)
    assert bot.held() == {6: "guild", 7: "came", 8: "?"}
    assert bot.fired == []


async def test_messages_of_a_guild_that_has_gone_are_forgotten_and_others_stay() -> None:
    bot = await started(picture(5, channels=[51]), picture(6, channels=[61]))
    state = internals.connection(bot)
    for guild_id, channel_id in ((5, 51), (6, 61)):
        author = {"id": "3", "username": "u", "discriminator": "0", "avatar": None}
        message = {
            "id": f"{channel_id}0",
            "channel_id": str(channel_id),
            "guild_id": str(guild_id),
            "type": 0,
        }
        message |= {"author": author, "content": "", "timestamp": "2026-01-01T00:00:00+00:00"}
        message |= {"edited_timestamp": None, "tts": False, "mention_everyone": False, "pinned": False}
        message |= {name: [] for name in ("mentions", "mention_roles", "attachments", "embeds")}
        state.parse_message_create(message)  # type: ignore[arg-type]  # it is a MESSAGE_CREATE
    assert len(bot.cached_messages) == 2
    await bot.take(pb.Share(gone=[5]))
    assert [each.id for each in bot.cached_messages] == [610]
    assert bot.cached_messages[0].guild is bot.get_guild(6)


async def test_whoever_waits_for_members_of_a_guild_that_goes_gets_what_has_come() -> None:
    bot = await started(picture(5))
    state = internals.connection(bot)

    async def ask(*_: object, **__: object) -> None:
        """Never answer."""

    state.chunker = ask  # type: ignore[method-assign]  # the wire
    guild = bot.get_guild(5)
    assert guild is not None
    asking = asyncio.create_task(state.chunk_guild(guild))
    await asyncio.sleep(0)
    await bot.take(pb.Share(gone=[5]))
    assert await asking == []


async def test_the_share_that_is_told_anew_takes_the_place_of_what_was_held() -> None:
    bot = await started(picture(5), picture(6))
    await bot.take(shard([picture(6, "as it is"), picture(7)], unavailable=[8]))
    assert bot.held() == {6: "as it is", 7: "guild", 8: "?"}
    assert bot.fired == []


async def test_a_single_worker_keeps_what_it_holds() -> None:
    bot = await started(picture(5), shared=False)
    await bot.take(shard([picture(5, "other"), picture(6)], shared=False))
    assert bot.held() == {5: "guild"}


async def test_what_came_of_a_stream_that_broke_counts_for_nothing() -> None:
    bot = await idle()
    half = shard([picture(5), picture(6)])
    half.last = False
    await bot.take(half)
    await bot.take(shard([picture(6)]))
    assert bot.held() == {6: "guild"}
    assert bot.fired == ["connect", "guild_available", "ready"]


async def test_a_client_connects_with_all_its_guilds_before_any_of_them_is_available() -> None:
    bot = await idle()
    first = shard([picture(5)], guild_ids=[5, 6])
    first.last = False
    held: list[dict[int, str]] = []
    bot.on_dispatch = lambda _event: held.append(bot.held())
    await bot.take(first)
    assert bot.held() == {5: "guild", 6: "?"}
    assert (bot.fired, held) == (["connect"], [{5: "?", 6: "?"}])
    rest = shard([picture(6)])
    rest.first = False
    await bot.take(rest)
    assert bot.fired == ["connect", "guild_available", "guild_available", "ready"]


async def test_a_guild_that_is_gone_before_it_arrives_is_not_kept() -> None:
    bot = await idle()
    await bot.take(shard([picture(5)], guild_ids=[5, 6]))
    assert bot.held() == {5: "guild"}


async def test_guilds_that_arrive_late_are_available_and_not_joined() -> None:
    """ws has been asked between READY and the last GUILD_CREATE."""
    bot = await idle()
    await ToldClient.take(bot, shard([picture(5)], guild_ids=[5, 6], unavailable=[6]))
    late = {"id": "6", "name": "late", "member_count": 1, "owner_id": "2", "unavailable": False}
    await bot.handle("GUILD_CREATE", 11, 6, json.dumps(late | {"channels": [], "roles": []}).encode())
    await asyncio.sleep(0.05)
    assert bot.fired == ["connect", "guild_available", "guild_available", "ready"]


async def test_a_new_session_begins_with_the_workers_own_guilds_alone() -> None:
    """A READY event lists the guilds of all workers; it reaches one of them, and is old news there."""
    bot = await started(picture(5), picture(6))
    await bot.take(shard([], session="s2", seq=1, unavailable=[6]))
    assert bot.held() == {6: "?"}
    assert bot.fired == ["connect", "ready"]
    assert bot.cache.is_past(event("READY", 1, session="s2"))
    assert not bot.cache.is_past(event("GUILD_CREATE", 2, 6, session="s2"))
    assert bot.cache.is_past(event("READY", 1, session="s1"))
    assert bot.cache.is_over(event("GUILD_CREATE", 900, 5, session="s1"))


async def test_an_event_is_past_for_the_guilds_that_were_told_after_it() -> None:
    bot = await started(picture(5), picture(6))
    await bot.take(pb.Share(session_id="s1", seq=20, guilds=[picture(6)]))
    assert [bot.cache.is_past(event("CHANNEL_UPDATE", seq, 5)) for seq in (10, 11)] == [True, False]
    assert [bot.cache.is_past(event("CHANNEL_UPDATE", seq, 6)) for seq in (20, 21)] == [True, False]
    assert [bot.cache.is_past(event("USER_UPDATE", seq)) for seq in (10, 11)] == [True, False]


async def test_a_single_worker_that_is_told_a_guild_once_more_still_learns_of_a_session_by_ready() -> None:
    bot = await started(picture(5), shared=False)
    await bot.take(pb.Share(session_id="s1", seq=20, guilds=[picture(5)]))
    assert not bot.cache.is_past(event("READY", 1, session="s2"))
    await bot.take(pb.Share(session_id="s1", seq=20, guilds=[picture(5)], shared=True))
    assert bot.cache.is_past(event("READY", 1, session="s2")), "it is told all of a session before that"


async def test_one_that_was_a_worker_of_several_is_told_all_when_it_is_the_only_one() -> None:
    bot = await started(picture(5))
    unknown = shard([], shared=False, session="")
    unknown.ready = b""
    await bot.take(unknown)
    await bot.take(shard([picture(5, "now"), picture(6)], shared=False))
    assert bot.held() == {5: "now", 6: "guild"}
    assert bot.fired == []
    await bot.take(shard([], shared=False))
    assert bot.held() == {5: "now", 6: "guild"}


async def test_a_guild_that_discordpy_cannot_use_is_unavailable_and_the_others_are_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = pb.GuildSnapshot(guild_id=9, base=zstandard.compress(b'{"id":"9","name":"\xff"}'))
    bot = await started(picture(5), picture(6, roles=[[]]), broken, picture(7))
    assert bot.held() == {5: "guild", 6: "?", 9: "?", 7: "guild"}
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    await bot.take(pb.Share(session_id="s1", seq=20, guilds=[picture(7, roles=7), picture(6, "again")]))
    assert bot.held() == {5: "guild", 6: "again", 9: "?", 7: "?"}


async def test_a_ready_whose_user_discordpy_cannot_use_keeps_no_guild_away() -> None:
    bot = await idle()
    odd = shard([picture(5)])
    odd.ready = b'{"user":{"id":"1"}}'
    await bot.take(odd)
    assert bot.held() == {5: "guild"}


async def test_a_session_that_begins_while_a_shard_without_one_is_sent_starts_like_any_other() -> None:
    bot = await idle()
    seen: list[tuple[str, dict[int, str]]] = []
    bot.on_dispatch = lambda event: seen.append((event, bot.held()))
    empty = shard([], session="")
    empty.ready, empty.last = b"", False
    await bot.take(empty)
    await bot.take(shard([picture(5)], guild_ids=[5]))
    assert seen == [
        ("connect", {5: "?"}),
        ("guild_available", {5: "guild"}),
        ("ready", {5: "guild"}),
    ]
