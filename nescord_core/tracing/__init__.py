"""Records of events and the REST calls they cause: formats, causes, comparison, scrubbing, failed events."""
