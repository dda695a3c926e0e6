"""One worker process of main: loads the bot, serves its events, drains when told to."""
