"""The cache of a discord.py bot after a reload: time until it is filled, correctness, and memory in ws.

    python benchmarks/snapshot.py [shares] [GUILDS] [MEMBERS] [CHANNELS] [ROLES]

A bot on the sandbox (500 guilds of 100 members, 30 channels and 20 roles) is reloaded five times, measured
from the command, including the fork, until on_ready. Its cache is compared with that of discord.py connected
directly: ids, names, counts, overwrites and everybody's permissions. Memory is what a process uses with the
guilds less what it uses without: of ws with `ws.snapshot` on and off, and of discord.py.

With ``shares``, on the same world: the number of guilds that each of one, two and four workers holds after a
reload, and their memory relative to that of one worker that holds them all.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.discordpy.digest_system import DigestSystem
from support.processes.commands import free_ports, until

SIZE = (500, 100, 30, 20)
RELOADS = 5
ONE = (1, 5, 5, 5)
"""A minimal world."""


@contextmanager
def running(size: tuple[int, ...], snapshot: str, **environ: str) -> Iterator[DigestSystem]:
    with tempfile.TemporaryDirectory() as directory:
        system = DigestSystem(Path(directory), size, NESCORD_SNAPSHOT=snapshot, **environ)
        try:
            system.begin()
            until(system.system.is_settled, "all guilds to be loaded")
            yield system
        finally:
            system.close()


def ws_memory(system: DigestSystem) -> tuple[float, float]:
    """Return the memory of ws, and the size of its guilds as it reports it, in MB.

    ws is restarted first and resumes its session, so that memory from the first start does not count.
    """
    system.restart_ws()
    clusters = system.system.stats("ws")["clusters"]
    return sum(each["rss_mb"] for each in clusters), sum(each.get("guilds_mb", 0.0) for each in clusters)


def report(system: DigestSystem, plain: int) -> None:
    times, cpu = [], []
    for _ in range(RELOADS):
        times.append(system.reload())
        cpu.append(system.ready(system.worker())["cpu_s"])
        time.sleep(0.5)
    ours, direct = system.digests(system.worker(), plain)
    guilds = len(direct["cache"])
    objects = sum(len(g["members"]) + len(g["channels"]) + len(g["roles"]) for g in direct["cache"].values())
    print(f"{guilds} guilds, {objects} members, channels and roles")
    shown = ", ".join(f"{each:.2f}" for each in times)
    print(f"command to on_ready: median {statistics.median(times):.2f} s ({shown}); target 1.5 s")
    print(f"CPU of the new process until on_ready: median {statistics.median(cpu):.2f} s")
    different = [each for each in direct["cache"] if ours["cache"].get(each) != direct["cache"][each]]
    rights = [each for each in direct["rights"] if ours["rights"].get(each) != direct["rights"][each]]
    extra = ours["cache"].keys() - direct["cache"].keys()
    count = len(different) + len(extra)
    print(f"guilds that differ from plain discord.py: {count}, in permissions: {len(rights)}")


@contextmanager
def running_workers(size: tuple[int, ...], count: int) -> Iterator[DigestSystem]:
    ports = free_ports(count)
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    listen = {"NESCORD_MAIN_LISTEN": hosts.split(",", maxsplit=1)[0], "GRPC_HOST": hosts}
    with running(size, "on", NESCORD_WORKERS=str(count), **listen) as system:
        yield system


def workers_memory(size: tuple[int, ...], count: int) -> tuple[list[int], float]:
    """Return the number of guilds of each worker after a reload, and the workers' mean memory in MB."""
    with running_workers(size, count) as system:
        system.reload()
        ready = [system.ready(pid) for pid in system.workers()]
    return [each["guilds"] for each in ready], statistics.mean(each["rss_mb"] for each in ready)


def shares(size: tuple[int, ...]) -> None:
    _, empty = workers_memory(ONE, 1)
    whole = 0.0
    for count in (1, 2, 4):
        guilds, memory = workers_memory(size, count)
        whole = whole or memory - empty
        noun = "worker" if count == 1 else "workers"
        print(f"{count} {noun}: {guilds} guilds, memory ratio of each: {(memory - empty) / whole:.2f}")


def main() -> None:
    if sys.argv[1:2] == ["shares"]:
        shares(tuple(map(int, sys.argv[2:])) or SIZE)
        return
    size = tuple(map(int, sys.argv[1:])) or SIZE
    with running(size, "on") as system:
        plain = system.plain()
        plain_full = system.ready(plain)["rss_mb"]
        report(system, plain)
        ws_on, guilds_mb = ws_memory(system)
    with running(size, "off") as system:
        ws_off, _ = ws_memory(system)
    with running(ONE, "off") as system:
        plain_empty = system.ready(system.plain())["rss_mb"]
    ws, direct = ws_on - ws_off, plain_full - plain_empty
    print(f"memory for the guilds: ws {ws:.1f} MB (stored {guilds_mb:.1f} MB), discord.py {direct:.1f} MB")
    print(f"ratio {ws / direct:.3f}; target 0.2")


if __name__ == "__main__":
    main()
