"""Hot reload: from a saved file to a running new process.

``watching`` detects changes, ``loading`` imports the bot's code, ``swapping`` replaces the processes.
"""
