"""Imports the bot's code as its source is now, and says where an import fails."""
