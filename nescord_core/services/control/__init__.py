"""Finding and controlling running services: admin port, control socket, service files, locks."""
