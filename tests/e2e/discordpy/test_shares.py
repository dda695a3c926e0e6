"""A discord.py bot with three workers: each holds the guilds that it is responsible for, whatever happens."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from support.discordpy.digest_system import DigestSystem
from support.network.tcp_relay import RelayThread, running_relays
from support.processes.commands import free_ports, until

SIZE = (24, 10, 8, 6)
WORKERS = 3
RATE = 150


class Workers:
    """The system, its workers, and a relay in front of each worker."""

    def __init__(self, system: DigestSystem, relays: RelayThread) -> None:
        self.system = system
        self.relays = relays
        self.guilds: set[str] = set()

    def change(self) -> None:
        self.system.world.ask(f"change {RATE}")

    def hold(self) -> dict[str, Any]:
        """Stop the changes; return the state of all guilds."""
        self.system.world.ask("hold")
        return self.see()

    def see(self) -> dict[str, Any]:
        world: dict[str, Any] = self.system.world.ask("world")
        self.guilds |= world.keys()
        return world

    def settle(self, world: dict[str, Any], count: int = WORKERS) -> dict[int, Any]:
        """Wait until this many workers hold the world between them; return what each holds."""
        found: dict[int, Any] = {}

        def is_so() -> bool:
            pids = self.system.workers()
            found.clear()
            found.update(self.system.held(*(pid for pid in pids if is_ready(self.system, pid))))
            caches = [each["cache"] for each in found.values() if each["cache"]]
            guilds = sum(len(each) for each in caches)
            whole = {name: guild for each in caches for name, guild in each.items()}
            return len(caches) == count and guilds == len(whole) and whole == world

        try:
            until(is_so, f"{count} workers to hold the world")
        except AssertionError:
            explain(world, found)
            raise
        return found


def is_ready(system: DigestSystem, pid: int) -> bool:
    return (system.place / f"ready-{pid}").exists()


def explain(world: dict[str, Any], found: dict[int, Any]) -> None:
    print(f"world: {len(world)} guilds")
    for pid, each in found.items():
        cache = each["cache"]
        strange = [name for name, guild in cache.items() if world.get(name) != guild]
        print(f"{pid}: {len(cache)} guilds, not as the world: {strange}, fired: {each['fired'][:20]}")
    missing = world.keys() - {name for each in found.values() for name in each["cache"]}
    print(f"nobody has {sorted(missing)}")


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    ports = free_ports(WORKERS)
    with running_relays(ports) as relays:
        system = DigestSystem(
            tmp_path_factory.mktemp("shares"),
            SIZE,
            NESCORD_SNAPSHOT="on",
            NESCORD_WORKERS=str(WORKERS),
            NESCORD_MAIN_LISTEN=f"127.0.0.1:{ports[0]}",
            GRPC_HOST=",".join(relay.address for relay in relays.relays),
            DIGEST_WATCH="1",
            DIGEST_SHARDED="1",
            BIG_WORLD_SHARDS="2",
        )
        try:
            system.begin()
            yield Workers(system, relays)
        finally:
            for each in system.system.started:
                print(each.output)
            system.close()


def check_fired(workers: Workers, before: dict[int, Any], after: dict[int, Any], known: set[str]) -> None:
    """Check that the bot receives no events about guilds that only move between workers."""
    for pid, each in after.items():
        news = each["fired"][len(before[pid]["fired"]) if pid in before else 0 :]
        assert [name for name, *_ in news].count("ready") == (pid not in before)
        names = {name for name, *_ in news}
        assert "guild_unavailable" not in names, news
        assert ("guild_available" in names) == (pid not in before), (
            "as discord.py does at its start, and only then"
        )
        assert not {guild for name, *ids in news for guild in ids if name == "guild_join"} & known
        removed = {guild for name, *ids in news for guild in ids if name == "guild_remove"}
        assert not removed & workers.see().keys()


def test_every_worker_starts_with_its_share_and_is_ready(workers: Workers) -> None:
    found = workers.settle(workers.see())
    assert all([name for name, *_ in each["fired"]].count("ready") == 1 for each in found.values())


def test_the_guilds_of_a_killed_worker_are_with_the_others_as_they_are_now_and_go_back(
    workers: Workers,
) -> None:
    world = workers.see()
    before, known = workers.settle(world), set(world)
    killed = next(iter(before))
    place = workers.system.workers().index(killed)
    workers.change()
    workers.relays.relays[place].refuses = True
    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in workers.system.workers(), "the death to be seen")
    others = workers.settle(workers.hold(), WORKERS - 1)
    assert killed not in others
    check_fired(workers, before, others, known)
    workers.change()
    workers.relays.relays[place].refuses = False
    until(lambda: attached(workers.system) == WORKERS, "it to be there again")
    after = workers.settle(workers.hold())
    check_fired(workers, before, after, known)


def test_a_stream_that_breaks_brings_its_worker_up_to_date(workers: Workers) -> None:
    world = workers.see()
    before, known = workers.settle(world), set(world)
    workers.change()
    for number in range(WORKERS):
        workers.relays.reset(number, in_the_middle=False)
        until(lambda: attached(workers.system) == WORKERS, "all streams to be there")
    after = workers.settle(workers.hold())
    assert after.keys() == before.keys(), "no worker has begun anew"
    check_fired(workers, before, after, known)


def test_a_reload_leaves_every_worker_with_its_share(workers: Workers) -> None:
    before = workers.settle(workers.see())
    workers.change()
    workers.system.reload()
    after = workers.settle(workers.hold())
    assert not after.keys() & before.keys()


def test_ws_that_is_started_anew_leaves_every_worker_with_its_share(workers: Workers) -> None:
    world = workers.see()
    before, known = workers.settle(world), set(world)
    workers.system.restart_ws()
    workers.change()
    after = workers.settle(workers.hold())
    assert after.keys() == before.keys()
    check_fired(workers, before, after, known)


def test_a_new_session_shows_every_worker_its_share_alone(workers: Workers) -> None:
    """READY itself, which lists all guilds, reaches one worker as an event."""
    before = workers.settle(workers.see())
    workers.change()
    identifies = workers.system.system.gateway()["identifies"]
    workers.system.system.sandbox(
        "POST", "/fault", {"connections": {"do": "invalid_session", "resumable": False}}
    )
    until(lambda: workers.system.system.gateway()["identifies"] > identifies, "a new session")
    after = workers.settle(workers.hold())
    assert after.keys() == before.keys()


def attached(system: DigestSystem) -> int:
    return sum(each["state"] == "attached" for each in replicas(system))


def replicas(system: DigestSystem) -> list[Any]:
    """Return ws's statistics of its replicas."""
    stats = system.system.stats("ws")
    return list(stats["outbox"]["replicas"]) if stats else []
