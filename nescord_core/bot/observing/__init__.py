"""Observers of a running bot: `nescord events tail`, recent events, and events to be replayed.

When an event is done is the runtime's decision, not theirs.
"""
