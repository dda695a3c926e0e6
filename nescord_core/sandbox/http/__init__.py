"""The sandbox's REST API: tokens, rate limits, validation, and a route for every operation."""
