"""The connections to Discord."""
