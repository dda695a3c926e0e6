"""Discord's REST rate limits as rules: no I/O, time passed in."""
