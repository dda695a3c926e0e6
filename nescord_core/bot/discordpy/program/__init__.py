"""Runs a discord.py file unmodified, as if Python had started it.

It handles what a program may do to its process: logging, ports, signals, replacing itself. Event delivery to
its client is one level up.
"""
