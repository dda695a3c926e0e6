"""The guild state that ws caches, for a main that starts with an empty cache."""
