"""A local Discord: REST and gateway on real sockets, a page to chat in, a control API for tests.

It shares no protocol code with the client half, so that a mistake in one cannot be hidden by the same mistake
in the other.
"""
