"""The side towards callers: sockets, HTTP/1.1 requests, bodies and responses."""
