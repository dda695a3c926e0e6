"""One module or folder per subcommand: options, help text and what it prints.

What a command does is in `nescord_core.services`; what several commands share is one level up.
"""
