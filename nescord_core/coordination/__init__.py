"""Coordinates the hosts of one bot: leases, who holds what, and the store that decides (NATS JetStream).

Rules (``rules/``), the store's interface and its implementation on NATS belong here; what is held (shards,
tasks, tokens) belongs to the services. So far only the queue for IDENTIFYs uses the store; no service follows
the rules of leases yet. Imported only where ``cluster.url`` is set.
"""
