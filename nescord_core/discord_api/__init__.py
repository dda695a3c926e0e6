"""Discord's HTTP API as data: contract.json and what reads it.

The sandbox, the rate limiter's tests and the generated client are made from it. No requests are sent or
answered here.
"""
