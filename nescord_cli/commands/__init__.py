"""One module or folder per subcommand: its options, help text and output.

The work itself is done in `nescord_core.services`; what several commands share is one level up.
"""
