"""The REST proxy: admission, rate limit permits, forwarding with retries, metrics.

``server`` is its side towards callers, ``upstream`` its connections to Discord, ``cache`` its response cache.
The rate limits are in `nescord_core.ratelimit`.
"""
