"""A worker process of main: loads the bot, serves its events and drains on request."""
