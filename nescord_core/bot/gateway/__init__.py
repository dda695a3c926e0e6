"""`listener.gateway`: gateway commands that a bot sends (members, presence, voice) and their answers."""
