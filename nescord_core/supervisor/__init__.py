"""Supervised processes: what to start and in which order, when to restart, how to stop."""
