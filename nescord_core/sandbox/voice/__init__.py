"""The voice server: takes the sound that the bot sends, counts it and drops it.

`calls` and `connection_rules` are the rules, `packets` reads UDP packets, `server` runs the websocket and the
UDP socket. Voice states are in the world. https://discord.com/developers/docs/topics/voice-connections
"""
