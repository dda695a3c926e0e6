"""Process-level building blocks: the parent channel, ports, logging, rotated files, readable OS errors.

Starting and restarting processes belongs in `nescord_core.supervisor`.
"""
