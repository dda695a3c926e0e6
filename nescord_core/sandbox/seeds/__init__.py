"""Worlds as TOML files that people write: reading one, creating a world from it, exporting a world."""
