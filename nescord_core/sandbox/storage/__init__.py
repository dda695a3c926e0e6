"""The world on disk: its format, its files, and when they are written. No HTTP, no gateway."""
