"""Watches the project's files and decides which changes of content cause a reload."""
