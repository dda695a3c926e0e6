"""Runs a discord.py file unmodified, as if Python had started it.

What a program may do to its process (logging, ports, signals, replacing itself) is handled here; how events
reach its client is one level up.
"""
