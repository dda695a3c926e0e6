"""What a bot is written with."""
