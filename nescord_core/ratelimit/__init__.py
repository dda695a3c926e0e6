"""Rules of Discord's REST rate limits: no I/O, time is passed in.

`nescord_core.rest.proxy` applies them; the sandbox enforces limits with code of its own.
"""
