"""Which files are watched, and when a change of their content is worth a reload."""
