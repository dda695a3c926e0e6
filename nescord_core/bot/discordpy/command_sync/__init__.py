"""Application command sync in development: finds changes and sends them to Discord."""
