"""The one client for Discord's HTTP API: calls go through the rest service, which keeps the rate limits."""

from nescord_core import RestClient

rest = RestClient()
