"""Application command sync in development: what changed, and sending it to Discord."""
