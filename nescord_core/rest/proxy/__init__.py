"""The REST proxy: admission, rate limit permits, forwarding with retries, metrics.

Its callers' side is ``server``, its connections to Discord ``upstream``, its response cache ``cache``. The
limits themselves are `nescord_core.ratelimit`.
"""
