"""Events and frames that nobody expects, in the middle of good ones, from a scripted gateway."""

from __future__ import annotations

import json

import pytest

from integration.gateway.harness import running
from integration.gateway.scripted import Peer, listening

DEEP = "[" * 3000 + "]" * 3000
GOOD = '{"id":"1","guild_id":"7","channel_id":"8"}'


async def send_raw(peer: Peer, text: str) -> None:
    await peer.ws.send_str(text)


def event(seq: object, d: str = GOOD, kind: str = "MESSAGE_CREATE") -> str:
    return f'{{"t":{json.dumps(kind)},"s":{seq},"op":0,"d":{d}}}'


DELIVERED = {
    "negative guild": event(3, '{"guild_id":"-5"}'),
    "guild of 65 bits": event(3, '{"guild_id":"18446744073709551617"}'),
    "negative channel": event(3, '{"channel_id":-5}'),
    "d is a list": event(3, "[1,2]"),
    "d is null": event(3, "null"),
    "unknown type": event(3, GOOD, "SOMETHING_NEW"),
}
SET_ASIDE = {
    "nested too deep": event(3, f'{{"guild_id":"7","x":{DEEP}}}'),
    "number of 2^62": event(1 << 62),
    "number of 2^64": event(1 << 64),
    "number of 0": event(0),
    "negative number": event(-9),
}


@pytest.mark.parametrize("odd", DELIVERED.values(), ids=DELIVERED.keys())
async def test_an_event_of_an_odd_shape_is_delivered_and_so_are_those_around_it(odd: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready()
        await peer.event(2)
        await send_raw(peer, odd)
        await peer.event(4)
        await peer.until_gone()

    async with listening(script) as gateway, running(gateway.url, compress="none") as run:
        await run.until(lambda: any(event.seq == 4 for event in run.events))
        assert [event.seq for event in run.events] == [1, 2, 3, 4]
        assert not run.aside


@pytest.mark.parametrize("odd", SET_ASIDE.values(), ids=SET_ASIDE.keys())
async def test_an_event_that_cannot_be_carried_is_set_aside_and_the_others_arrive(odd: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready()
        await peer.event(2)
        await send_raw(peer, odd)
        await peer.event(4)
        await peer.until_gone()

    async with listening(script) as gateway, running(gateway.url, compress="none") as run:
        await run.until(lambda: any(event.seq == 4 for event in run.events))
        assert [event.seq for event in run.events] == [1, 2, 4]
        ((aside, why),) = run.aside
        assert (aside.shard_id, aside.type, bool(why)) == (0, "MESSAGE_CREATE", True)
        assert run.cluster.stats()[0].set_aside == 1
        assert len(gateway.peers) == 1, "no reconnect for an event that no reconnect would mend"


async def test_a_leap_that_was_believed_is_noticed_when_lower_numbers_keep_coming() -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready()
        if len(gateway.peers) == 1:
            await peer.event(900_000)
            for seq in range(2, 100):
                await peer.event(seq)
        else:
            await peer.event(2)
        await peer.until_gone()

    async with (
        listening(script) as gateway,
        running(gateway.url, compress="none", identify_window=0.01) as run,
    ):
        await run.until(lambda: len(gateway.peers) == 2 and run.events[-1].seq == 2)


async def test_what_is_no_json_costs_one_resume_and_is_then_ignored() -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        if len(gateway.peers) == 1:
            await peer.expect(2)
            await peer.ready()
        else:
            await peer.expect(6)
        await send_raw(peer, "}{")
        if len(gateway.peers) > 1:
            await peer.event(2)
            await peer.event(3, t="RESUMED")
        await peer.until_gone()

    async with listening(script) as gateway, running(gateway.url, compress="none") as run:
        await run.until(lambda: any(event.seq == 2 for event in run.events))
        assert len(gateway.peers) == 2
