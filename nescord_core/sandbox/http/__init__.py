"""The sandbox's REST API: tokens, rate limits, validation, and a route for every operation.

A request passes `api` (token, rate limits, body), `router` (validation, audit log, completion of the
response) and the route of its operation in ``routes/``. Operations and their shapes come from Discord's
OpenAPI document (`nescord_core.discord_api.contract`).
"""
