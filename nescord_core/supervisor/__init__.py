"""Processes: what to start, when to restart, how to stop."""
