"""Behind `nescord events`: subscribing to a running main, recordings, replays, failed events."""
