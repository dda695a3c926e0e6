"""Routes of the Social SDK: lobbies, provisional accounts, moderation metadata."""
