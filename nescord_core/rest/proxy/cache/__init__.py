"""The response cache: entries, storage, and invalidation."""
