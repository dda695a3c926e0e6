"""IDENTIFY pacing and shard counts."""
