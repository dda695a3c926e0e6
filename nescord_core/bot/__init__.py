"""The library for writing a bot: `WsListener`, its runtime, leases and state.

``discordpy`` is for discord.py bots. Events arrive through `nescord_core.dispatch.receiver`; REST calls are
in `nescord_core.rest.client`.
"""
