"""The REST proxy and the client that calls it."""
