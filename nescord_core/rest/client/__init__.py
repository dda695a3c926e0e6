"""The client that a bot calls Discord's HTTP API with: `RestClient`, uploads, pagination, errors.

``operations`` is generated from Discord's OpenAPI document.
"""
