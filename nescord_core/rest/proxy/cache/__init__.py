"""The response cache: what is kept, where, and what invalidates it."""
