"""After reloads, the cache of a discord.py bot equals discord.py's own, whatever changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.discordpy.digest_system import DigestSystem

SIZE = (12, 20, 9, 8)
RATE = 200
RELOADS = 3
COMMANDS = 60


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DigestSystem]:
    running = DigestSystem(tmp_path_factory.mktemp("cache"), SIZE, NESCORD_SNAPSHOT="on", DIGEST_SYNC="1")
    try:
        running.begin()
        yield running
    finally:
        for each in running.system.started:
            print(each.output)
        running.close()


def test_the_cache_after_a_reload_is_that_of_discordpy_by_itself(system: DigestSystem) -> None:
    plain = system.plain()
    system.reload()
    ours, direct = system.digests(system.worker(), plain)
    assert ours["cache"] == direct["cache"]
    assert ours["rights"] == direct["rights"]
    assert len(ours["cache"]) == SIZE[0] + 1
    assert ours["totals"] == direct["totals"]


def test_the_cache_is_the_world_after_each_reload_under_changes(system: DigestSystem) -> None:
    """Fact 29: changes between the snapshot and the first event are neither lost nor applied twice."""
    events = [system.reload_under_changes(RATE) for _ in range(RELOADS)]
    assert sum(events) > 50


def test_a_command_at_any_moment_of_a_reload_is_answered(system: DigestSystem) -> None:
    unanswered, reloads = system.commands_during_reloads(COMMANDS)
    assert not unanswered
    assert reloads >= 1
