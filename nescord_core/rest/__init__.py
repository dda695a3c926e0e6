"""Discord's HTTP API: the proxy in front of it, and the client that calls it.

``proxy`` and ``client`` do not import each other.
"""
