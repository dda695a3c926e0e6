"""The ws service: a parent process that owns the bot's sessions, and one process per cluster of shards."""
