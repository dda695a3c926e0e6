"""The actions of people: as members, as owners of guilds, with commands, and with their accounts."""
