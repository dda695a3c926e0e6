"""The rules by which hosts share work: leases, who holds what, and when to let go. Facts in, effects out.

No I/O and no clock: ``now`` is passed in. It must also count while the machine is suspended (CLOCK_BOOTTIME).
"""
