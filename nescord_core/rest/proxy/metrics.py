"""The proxy's metrics in Prometheus' format. Labels are routes and statuses, never ids or tokens.

docs/reference/metrics.md lists every name; dashboards depend on them.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nescord_core.rest.proxy.route_labels import route_label

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from nescord_core.ratelimit.limiter import Limiter
    from nescord_core.rest.proxy.cache.cache import Cache
    from nescord_core.rest.proxy.cache.coherence import CacheCoherence

__all__ = ["Metrics"]

MOST_ROUTES = 512
"""Distinct labels; further routes that callers make up are counted as ``other``."""
MOST_KNOWN = 4096
"""Routes, with methods and statuses, whose labels are kept."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
"""Seconds."""


class Histogram:
    """Durations: counts by upper bound, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Return Prometheus' cumulative counts."""
        found, sum_so_far = [], 0
        for bound, count in zip((*BOUNDS, float("inf")), self.counts, strict=True):
            sum_so_far += count
            found.append(("+Inf" if bound == float("inf") else str(bound), float(sum_so_far)))
        return found


class Metrics:
    """Counts requests, and reads the other parts' state when it is scraped."""

    def __init__(self, limiter: Limiter, cache: Cache | None, coherence: CacheCoherence) -> None:
        self._limiter = limiter
        self._cache = cache
        self._coherence = coherence
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._known: dict[tuple[str, str, int], tuple[str, str, int]] = {}
        self._routes: set[str] = set()
        self._total = Histogram()
        self._queue = Histogram()
        self._upstream = Histogram()
        self.denied = 0
        self.retried = 0

    def answered(self, method: str, template: str, status: int, seconds: float) -> None:
        """Count a response and the time since the request's head arrived."""
        key = method, template, status
        label = self._known.get(key)
        if label is None:
            label = self._known_label(key)
        self._requests[label] += 1
        self._total.observe(seconds)

    def _known_label(self, key: tuple[str, str, int]) -> tuple[str, str, int]:
        method, template, status = key
        label = method, self._label(template), status
        if len(self._known) < MOST_KNOWN:
            self._known[key] = label
        return label

    def waited(self, seconds: float) -> None:
        """Count a wait for a rate limit, including none at all."""
        self._queue.observe(seconds)

    def did_not_wait(self) -> None:
        """Count a request that its rate limit allowed at once."""
        self._queue.counts[0] += 1

    def upstream_answered(self, seconds: float) -> None:
        """Count a response of Discord's by the time from sending to receiving."""
        self._upstream.observe(seconds)

    def _label(self, template: str) -> str:
        label = route_label(template)
        if label not in self._routes:
            if len(self._routes) >= MOST_ROUTES:
                return "other"
            self._routes.add(label)
        return label

    def render(self) -> bytes:
        """Return the page for Prometheus."""
        # Imported at the first scrape: it takes 4 MB, which an unmonitored proxy does not need.
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from self._counters()
        yield from self._state()
        if self._cache is not None:
            yield from self._cache_metrics(self._cache)

    def _counters(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily(
            "nescord_rest_requests",
            "Responses, by route and status.",
            labels=("method", "route", "status"),
        )
        for (method, route, status), count in self._requests.items():
            requests.add_metric((method if method in METHODS else "other", route, str(status)), count)
        yield requests
        for name, about, spread in (
            ("request", "Time from a request's head to its response, including all waits.", self._total),
            ("queue", "Time that a request waited for its rate limits.", self._queue),
            ("upstream", "Time from sending a request to Discord to its complete response.", self._upstream),
        ):
            yield HistogramMetricFamily(
                f"nescord_rest_{name}_seconds", about, buckets=spread.buckets(), sum_value=spread.total
            )
        limited = CounterMetricFamily(
            "nescord_rest_limited", "429s from Discord, by scope.", labels=["scope"]
        )
        for scope, count in self._limiter.limited.items():
            limited.add_metric([scope], count)
        yield limited
        yield CounterMetricFamily("nescord_rest_retried", "Requests resent after a failure.", self.retried)
        yield CounterMetricFamily("nescord_rest_denied", "Requests of unauthorized callers.", self.denied)

    def _state(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        limiter, now = self._limiter, asyncio.get_running_loop().time()
        invalid = limiter.invalid.count(now)
        for name, about, value in (
            ("queued", "Requests waiting for a rate limit.", limiter.waiting),
            ("in_flight", "Requests sent to Discord.", limiter.in_flight),
            ("buckets", "Known rate limit buckets.", limiter.buckets()),
            ("tokens", "Known tokens, including requests without one.", limiter.tokens()),
            ("tokens_locked", "Tokens that are no longer used after a 401.", limiter.tokens_locked(now)),
            ("invalid_requests", "401, 403 and 429 responses in the last ten minutes.", invalid),
            (
                "invalid_requests_left",
                "Number of further ones until the proxy stops sending requests.",
                max(limiter.invalid.refuse_from - invalid, 0),
            ),
            (
                "banned_seconds",
                "Remaining seconds of a Cloudflare ban of this address.",
                max(limiter.banned_until - now, 0.0),
            ),
            ("linked_bots", "Bots whose changes ws reports completely.", self._coherence.complete_bots(now)),
        ):
            yield GaugeMetricFamily(f"nescord_rest_{name}", about, value)

    def _cache_metrics(self, cache: Cache) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for name, about, count in (
            ("hits", "GETs answered from the cache.", cache.hits),
            ("misses", "GETs not in the cache.", cache.misses),
            ("invalidated", "Responses dropped because of a change.", cache.invalidated),
        ):
            yield CounterMetricFamily(f"nescord_rest_cache_{name}", about, count)
        yield GaugeMetricFamily("nescord_rest_cache_entries", "Cached responses.", len(cache))
