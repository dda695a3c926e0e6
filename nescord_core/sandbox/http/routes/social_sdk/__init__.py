"""Routes of the Social SDK: lobbies, provisional accounts, moderation of a game's messages."""
