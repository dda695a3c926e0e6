"""A bot's client for Discord's HTTP API: `RestClient`, uploads, pagination, errors.

``operations`` is generated from Discord's OpenAPI document.
"""
