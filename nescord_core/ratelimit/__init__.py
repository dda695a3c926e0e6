"""Discord's REST rate limits as rules: no I/O, time passed in.

The proxy that applies them is `nescord_core.rest.proxy`; the sandbox enforces limits of its own.
"""
