"""What people do: talk, react, moderate, use commands, own guilds and accounts."""
