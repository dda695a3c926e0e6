"""Delivery of events from ws to main: outbox, partition, acknowledgements."""
