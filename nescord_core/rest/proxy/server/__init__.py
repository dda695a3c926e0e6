"""The callers' side: sockets, HTTP/1.1 requests, bodies and responses."""
