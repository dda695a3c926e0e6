"""The rules of both sides together in one thread and virtual time, with a seeded network that misbehaves.

Discord, one ws with its session, outbox, overflow and partition, and replicas of main with their intake,
their order of handlers, their leases and their window of finished events. Connections are slow, break, fall
silent, and are noticed late; ws and main crash, freeze and drain; the gateway drops sessions. What is to hold
is checked while it runs and at the end.
"""

from support.dispatch.simulation.mutations import MUTATIONS
from support.dispatch.simulation.world import World, check

__all__ = ["MUTATIONS", "World", "check"]
