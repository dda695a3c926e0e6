"""A replica of main as ws sees it: its connection, health, queue of events and snapshots."""
