"""Delivery of events from ws to main, at least once and in order per guild.

``protocol`` is shared by both ends, ``sender`` is ws's end, ``receiver`` is main's. The two ends do not
import each other.
"""
