"""The main service: a parent process that runs the bot's code in worker processes and reloads them."""
