"""The ws service: a parent that owns the token's sessions, and a process for each cluster of shards."""
