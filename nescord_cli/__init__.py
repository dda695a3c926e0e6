"""The `nescord` command.

The entry point, lazily imported subcommands, terminal output and signal handling belong here; each subcommand
is a module of ``commands``. The command line knows nothing of a service's internals: it calls
`nescord_core.services` and `nescord_core.config`.
"""
