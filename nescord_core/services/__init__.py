"""The services: the only files that join the parts."""
