"""Which event a handler is for: by name, by its annotation, by its own name. Nothing here runs handlers."""
