"""The client side of Discord's gateway: shards, clusters of shards, connections, stored sessions.

The state machine of one shard is in ``session``, IDENTIFY pacing and shard counts in ``identify``, the guild
state that ws caches in ``snapshot``. Event delivery to main is `nescord_core.dispatch`.
"""
