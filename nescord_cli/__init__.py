"""The `nescord` command.

The command's frame is here: entry point, lazily imported subcommands, consoles, signals. Each subcommand is
a module of ``commands``. Nothing here knows a service's inner parts: commands call `nescord_core.services`
and `nescord_core.config`.
"""
