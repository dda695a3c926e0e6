"""Whose turn it is to IDENTIFY, and how many shards there are."""
