"""Stores events on disk while main is away or slow."""
