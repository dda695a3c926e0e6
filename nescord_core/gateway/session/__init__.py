"""The rules of one shard's session: states, opcodes, heartbeats, limits, decompression. No I/O, no clock."""
