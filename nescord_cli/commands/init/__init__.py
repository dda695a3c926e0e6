"""`nescord init`: a new project from a template, or around an existing bot.

Prompts and output belong here; templates are rendered by `nescord_core.services.project`.
"""
