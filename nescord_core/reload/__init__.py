"""From a saved file to a running new process."""
