"""A cache that receives guilds at any moment ends up equal to the world, whatever else is in flight."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from nescord_core.gateway.snapshot.shard_snapshot import ShardSnapshot
from nescord_core.sandbox.world.world import World
from nescord_core.services.ws.snapshots import snapshot_message
from nescord_core.settings import SandboxSettings, SnapshotSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.discordpy.cache_digest import differences, of_client, of_payload
from support.discordpy.client import SESSION, ToldClient, shard
from support.sandbox.big_world import Changes, furnish

SIZE = (3, 6, 6, 6)
CHANGES = 40
Event = tuple[str, int, bytes]


class Past:
    """A changing world, with each of its events and the state that ws caches."""

    def __init__(self, seed: int) -> None:
        self.world = World(SandboxSettings(guilds=1))
        self.world.seed()
        furnish(self.world, *SIZE)
        user = self.world.model.bot_user
        self.bot = {"id": str(user.id), "username": user.name, "discriminator": "0", "avatar": None}
        ids = self.world.guild_ids()
        missing = [{"id": str(each), "unavailable": True} for each in ids]
        ready = {"user": self.bot, "guilds": missing, "session_id": SESSION}
        self.events: list[Event] = [("READY", 0, msgspec.json.encode(ready))]
        for each in ids:
            self.events.append(("GUILD_CREATE", each, msgspec.json.encode(self.world.guild_create(each))))
        self.first = len(self.events)
        self.world.subscribe(
            lambda kind, data, guild_id, _: self.events.append((kind, guild_id, msgspec.json.encode(data)))
        )
        changes = Changes(self.world, seed)
        for _ in range(CHANGES):
            changes.change()

    def shard(self, seq: int) -> ShardSnapshot:
        """Return ws's snapshot after an event."""
        shard = ShardSnapshot(SnapshotSettings(enabled=True))
        for number, (kind, guild_id, data) in enumerate(self.events[:seq], 1):
            shard.apply(SESSION, number, kind, guild_id, data)
        return shard

    def all_as_of(self, seq: int) -> pb.Snapshot:
        """Return the snapshot that a worker receives which starts after an event."""
        return shard(map(snapshot_message, self.shard(seq).guilds()), seq=seq, shared=False, user=self.bot)

    def share(self, guild_id: int, seq: int) -> pb.Share:
        """Return the share message with which a guild is resent, current at an event."""
        found = self.shard(seq).guild(guild_id)
        if found is None:
            return pb.Share(session_id=SESSION, seq=seq, gone=[guild_id])
        return pb.Share(session_id=SESSION, seq=seq, guilds=[snapshot_message(found)])

    async def bring(self, client: ToldClient, seq: int) -> None:
        kind, guild_id, data = self.events[seq - 1]
        await client.handle(kind, seq, guild_id, data)

    def errors(self, client: ToldClient) -> list[str]:
        ids = self.world.guild_ids()
        wanted = {str(each): of_payload(self.world.guild_create(each)) for each in ids}
        return differences(wanted, of_client(client))


@given(seed=st.integers(0, 1 << 30), draw=st.data())
@settings(max_examples=60)
async def test_a_worker_that_begins_at_any_moment(seed: int, draw: st.DataObject) -> None:
    """It receives events from before its snapshot that others have not handled, and perhaps a newer guild."""
    past = Past(seed)
    last = len(past.events)
    told = draw.draw(st.integers(past.first, last), label="told as of")
    begun = draw.draw(st.integers(past.first, told), label="handled by others")
    again = draw.draw(
        st.dictionaries(st.integers(begun, last), st.integers(0, 1 << 30), max_size=3),
        label="told again after",
    )
    client = ToldClient()
    await client.begin()
    await client.take(past.all_as_of(told))
    for seq in range(begun + 1, last + 1):
        await past.bring(client, seq)
        if seq in again:
            guild_id = past.events[seq - 1][1]
            await client.take(past.share(guild_id, max(seq, told, again[seq] % last + 1)))
    assert past.errors(client) == []


@given(seed=st.integers(0, 1 << 30), draw=st.data())
@settings(max_examples=60)
async def test_a_worker_that_gets_an_event_that_another_had_begun(seed: int, draw: st.DataObject) -> None:
    """Later events may have been handled by the other worker, so the guild is sent once more."""
    past = Past(seed)
    last = len(past.events)
    told = draw.draw(st.integers(past.first + 1, last), label="told as of")
    begun = draw.draw(st.integers(past.first, told), label="handled by others")
    marked = draw.draw(st.integers(past.first + 1, max(begun, past.first + 1)), label="begun by others")
    client = ToldClient()
    await client.begin()
    await client.take(past.all_as_of(told))
    await past.bring(client, marked)
    then = draw.draw(st.integers(begun + 1, last + 1), label="told again before")
    for seq in range(begun + 1, then):
        await past.bring(client, seq)
    await client.take(past.share(past.events[marked - 1][1], min(max(then, told), last)))
    for seq in range(then, last + 1):
        await past.bring(client, seq)
    assert past.errors(client) == []
