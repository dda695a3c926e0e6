"""The rules of one shard's life: states, opcodes, heartbeats, limits, decompression. No I/O, no clock."""
