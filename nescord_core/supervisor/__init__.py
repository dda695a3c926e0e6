"""Process supervision: start order, readiness probes, restarts, output and shutdown."""
