"""Process-level building blocks: parent channel, state_dir, ports, proxies, logging, files, OS errors.

Starting and restarting processes belongs in `nescord_core.supervisor`.
"""
