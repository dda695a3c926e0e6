"""What the proxy counts, in Prometheus' format. Labels hold routes and statuses, never ids or tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from nescord_core.ratelimit.limiter import Limiter
    from nescord_core.rest.cache import Cache
    from nescord_core.rest.courier import Courier

__all__ = ["Meters"]

MOST_ROUTES = 512
"""Distinct labels; a caller that makes up routes ends in ``other``."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Meters:
    """Counts requests; reads the state of the other parts when asked."""

    def __init__(self, limiter: Limiter, cache: Cache | None, courier: Courier) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "nescord_rest_requests",
            "Answers given, by route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "nescord_rest_request_seconds",
            "Time from a request's headers to its answer, waits for rate limits included.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._routes: set[str] = set()
        self._registry.register(_State(limiter, cache, courier))

    def answered(self, method: str, template: str, status: int, seconds: float) -> None:
        """Count one answer."""
        counter = self._counters.get((method, template, status))
        if counter is None:
            counter = self._counter(method, template, status)
        counter.inc()
        self._seconds.observe(seconds)

    def _counter(self, method: str, template: str, status: int) -> Counter:
        route = template
        if template not in self._routes:
            if len(self._routes) < MOST_ROUTES:
                self._routes.add(template)
            else:
                route = "other"
        counter = self._requests.labels(method if method in METHODS else "other", route, str(status))
        if route == template:
            self._counters[method, template, status] = counter
        return counter

    def render(self) -> bytes:
        """Return the page that Prometheus reads."""
        return generate_latest(self._registry)


class _State(Collector):
    """Numbers that others keep."""

    def __init__(self, limiter: Limiter, cache: Cache | None, courier: Courier) -> None:
        self._limiter = limiter
        self._cache = cache
        self._courier = courier

    def collect(self) -> Iterator[Metric]:
        limiter, courier = self._limiter, self._courier
        yield GaugeMetricFamily(
            "nescord_rest_queued", "Requests that wait for a rate limit.", limiter.waiting
        )
        yield GaugeMetricFamily("nescord_rest_in_flight", "Requests sent to Discord.", limiter.in_flight)
        yield GaugeMetricFamily("nescord_rest_buckets", "Rate-limit buckets known.", limiter.buckets())
        yield CounterMetricFamily(
            "nescord_rest_limited", "429s that were waited out and sent again.", courier.limited
        )
        yield CounterMetricFamily(
            "nescord_rest_retried", "Requests sent again after a failure.", courier.retried
        )
        if self._cache is not None:
            yield CounterMetricFamily(
                "nescord_rest_cache_hits", "GETs answered from the cache.", self._cache.hits
            )
            yield CounterMetricFamily(
                "nescord_rest_cache_misses", "GETs not in the cache.", self._cache.misses
            )
            yield CounterMetricFamily(
                "nescord_rest_cache_invalidated", "Answers dropped by a change.", self._cache.invalidated
            )
            yield GaugeMetricFamily("nescord_rest_cache_entries", "Answers kept.", len(self._cache))
