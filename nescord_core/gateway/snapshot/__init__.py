"""What ws keeps of a shard's guilds, for a main that starts with an empty cache."""
