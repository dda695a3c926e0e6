"""Simulates both sides' rules in one thread and virtual time, over a seeded faulty network.

Discord, one ws with its session, outbox, overflow and partition, and replicas of main with their intake,
handler order, leases and finished events. Connections are slow, break, fall silent, and are noticed late; ws
and main crash, freeze and drain; the gateway drops sessions. The promises are checked during the run and at
the end.
"""

from support.dispatch.simulation.mutations import MUTATIONS
from support.dispatch.simulation.world import World, check

__all__ = ["MUTATIONS", "World", "check"]
