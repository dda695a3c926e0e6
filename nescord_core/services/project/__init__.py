"""A project's files: templates, deployment files, and inspection of an existing bot's source."""
