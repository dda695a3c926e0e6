"""main's end: accepts streams from ws, drops duplicates, and reports which events are finished.

Handlers are not called here; that is `nescord_core.bot.runtime`.
"""
