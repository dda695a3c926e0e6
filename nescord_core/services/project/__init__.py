"""Files of a project: templates, deployment files, and reading an existing bot's source."""
