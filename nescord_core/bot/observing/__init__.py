"""Observers of a running bot: `nescord events tail`, recent events, and events handed in to be replayed.

Nothing here decides when an event is done; that is the runtime's.
"""
