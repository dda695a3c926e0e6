"""The gateway half of ws: sessions, shards and clusters."""
