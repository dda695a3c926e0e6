"""`listener.gateway`: gateway commands of a bot (members, presence, voice) and their responses."""
