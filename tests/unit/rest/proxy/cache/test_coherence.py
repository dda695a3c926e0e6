"""Responses are cached for long only while every shard of the bot is connected."""

from __future__ import annotations

from nescord_core.rest.proxy.cache.coherence import LEASE, MOST_BOTS, CacheCoherence


def test_nobody_heard_of_is_no_link() -> None:
    assert not CacheCoherence().is_complete("bot", 0.0)


def test_all_shards_have_to_be_there_and_to_stay() -> None:
    links = CacheCoherence()
    links.update("bot", [0, 1], 3, 0.0)
    assert not links.is_complete("bot", 0.0)
    links.update("bot", [2], 3, 1.0)
    assert links.is_complete("bot", 1.0)
    assert not links.is_complete("other", 1.0), "a link speaks for one bot"
    links.update("bot", [2], 3, 2.0)
    assert links.is_complete("bot", LEASE - 0.01)
    assert not links.is_complete("bot", LEASE), "shards 0 and 1 have not been heard of since"
    links.update("bot", [0, 1], 3, LEASE)
    assert links.is_complete("bot", LEASE)


def test_another_count_of_shards_begins_anew() -> None:
    links = CacheCoherence()
    links.update("bot", [0], 1, 0.0)
    links.update("bot", [0], 2, 0.1)
    assert not links.is_complete("bot", 0.1)
    links.update("bot", [1, 7, -1], 2, 0.2)
    assert links.is_complete("bot", 0.2)


def test_nonsense_changes_nothing_and_memory_is_bounded() -> None:
    links = CacheCoherence()
    links.update("bot", [0], 0, 0.0)
    links.update("bot", [], 1 << 30, 0.0)
    assert not links.is_complete("bot", 0.0)
    for number in range(MOST_BOTS + 5):
        links.update(str(number), [0], 1, 0.0)
    assert not links.is_complete("0", 0.1)
    assert links.is_complete(str(MOST_BOTS), 0.1)
