"""The wire format that both ends share: version, limits, frames, acknowledgement ranges, leases.

Nothing here stores events or opens streams.
"""
