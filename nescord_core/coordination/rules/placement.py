"""Which host should have which block: as evenly as capacities allow, with as few moves as possible."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Move", "next_move", "place", "room", "weight"]


@dataclass(frozen=True, slots=True)
class Move:
    """One block that should go from the host that has it to another."""

    block: int
    source: str
    target: str


def weight(block: int, host: str) -> int:
    """Return the rendezvous weight of a host for a block: each host computes the same."""
    return int.from_bytes(hashlib.blake2b(f"{block}:{host}".encode(), digest_size=8).digest())


def room(blocks: int, capacities: Mapping[str, int]) -> dict[str, int]:
    """Return how many blocks each host should have at most: its share by capacity, rounded up."""
    total = sum(capacities.values())
    return {host: min(own, -(-blocks * own // total)) if own else 0 for host, own in capacities.items()}


def place(
    free: Iterable[int], held: Mapping[int, str], blocks: int, capacities: Mapping[str, int]
) -> dict[int, str]:
    """Return the host for each free block: the one with the highest weight of those that have room.

    ``held`` are the blocks that have a holder, which stay where they are.
    """
    left = Counter(room(blocks, capacities))
    left.subtract(holder for holder in held.values() if holder in capacities)
    placed: dict[int, str] = {}
    for block in sorted(free):
        ranked = _ranked(block, capacities)
        target = next((host for host in ranked if left[host] > 0), None)
        if target is None:
            target = next((host for host in ranked if _spare(host, held, placed, capacities) > 0), None)
        if target is not None:
            placed[block] = target
            left[target] -= 1
    return placed


def next_move(held: Mapping[int, str], capacities: Mapping[str, int]) -> Move | None:
    """Return the next move towards an even share by capacity, or None if none would bring it closer."""
    load = Counter(held.values())
    hosts = sorted(host for host in capacities if capacities[host])
    if len(hosts) < 2 or any(holder not in capacities for holder in held.values()):
        return None
    source = max(hosts, key=lambda host: (load[host] / capacities[host], host))
    target = min(hosts, key=lambda host: ((load[host] + 1) / capacities[host], host))
    if load[target] >= capacities[target]:
        return None
    if (load[source] - 1) / capacities[source] < (load[target] + 1) / capacities[target]:
        return None
    own = [block for block, holder in held.items() if holder == source]
    return Move(max(own, key=lambda block: (weight(block, target), block)), source, target)


def _ranked(block: int, hosts: Iterable[str]) -> list[str]:
    return sorted(hosts, key=lambda host: weight(block, host), reverse=True)


def _spare(
    host: str, held: Mapping[int, str], placed: Mapping[int, str], capacities: Mapping[str, int]
) -> int:
    """Return how many more blocks a host can take at all."""
    has = sum(holder == host for holder in held.values()) + sum(each == host for each in placed.values())
    return capacities[host] - has
