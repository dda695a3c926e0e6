"""The page to chat in: its service, and its files in ``static``."""
