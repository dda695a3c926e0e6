"""What both ends of the wire agree on: version, limits, frames, acknowledgement ranges, leases.

Nothing here keeps events or opens streams.
"""
