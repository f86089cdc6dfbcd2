"""What Prometheus is told: requests by route and status, how long they took, and what waits and is held."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anymask.serve.workspace import Workspace

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counts of one server, in a registry of its own: several servers may be in one process."""

    def __init__(self, workspace: Workspace) -> None:
        self.registry = CollectorRegistry()
        names = ("method", "route", "status")
        self.requests = Counter("anymask_requests", "Requests answered.", names, registry=self.registry)
        self.seconds = Histogram(
            "anymask_request_seconds", "Until an answer was sent.", names[:2], buckets=SECONDS, registry=self.registry
        )
        self.registry.register(_State(workspace))


class _State(Collector):
    """What is read off the workspace when it is asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        jobs = GaugeMetricFamily("anymask_jobs", "Jobs that wait or run.", labels=("lane", "state"))
        for name, lane in self.workspace.lanes.items():
            for state, count in zip(("waiting", "running"), lane.counts(), strict=True):
                jobs.add_metric((name, state), count)
        yield jobs
        images, held = self.workspace.opened.counts()
        yield GaugeMetricFamily("anymask_open_images", "Images held in memory.", images)
        yield GaugeMetricFamily("anymask_open_bytes", "Bytes that these take, about.", held)
        kept = self.workspace.database.used()
        yield GaugeMetricFamily("anymask_kept_bytes", "Bytes of pictures and database on disk.", kept)


class Measured:
    """The layer that counts. A route is named as it is declared, so that ids make no new names."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.metrics.requests.labels(method, route, str(status)).inc()
            if not route.endswith("/events"):  # which last as long as somebody listens
                self.metrics.seconds.labels(method, route).observe(time.perf_counter() - began)


METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
