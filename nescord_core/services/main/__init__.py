"""The main service: a parent that keeps workers running the bot's code, and reloads them."""
