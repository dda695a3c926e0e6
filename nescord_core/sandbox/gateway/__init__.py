"""The server's side of the gateway: connections, sessions, intents, compression."""
