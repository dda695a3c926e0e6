"""The library that a bot is written with: `WsListener`, its runtime, leases and state.

discord.py bots have a room of their own (``discordpy``). How events get here is
`nescord_core.dispatch.receiver`; REST calls are `nescord_core.rest.client`.
"""
