"""Imports the bot's code from its current source and reports where an import fails."""
