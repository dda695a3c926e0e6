"""A local Discord: REST and gateway on real sockets."""
