"""What is recorded of events and calls: records, causes, comparison, scrubbing, failed events."""
