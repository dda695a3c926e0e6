"""From a saved file to a running new process.

``watching`` notices a change, ``loading`` imports the bot's code, ``swapping`` replaces the processes.
"""
