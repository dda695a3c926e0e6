"""The client side of Discord's gateway: shards, clusters of shards, connections, stored sessions.

The rules of one shard's life are in ``session``, IDENTIFY and shard counts in ``identify``, what is kept of
guilds in ``snapshot``. What happens to an event afterwards is `nescord_core.dispatch`.
"""
