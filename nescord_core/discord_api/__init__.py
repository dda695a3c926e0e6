"""Discord's HTTP API as data: contract.json and the modules that read it.

The sandbox, the rate limiter's tests and the generated client are based on it. Sending and answering requests
does not belong here.
"""
