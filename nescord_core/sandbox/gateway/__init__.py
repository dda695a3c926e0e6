"""The gateway's server: connections and their rules, sessions, commands, intents, compression."""
