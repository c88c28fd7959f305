"""What Prometheus reads of a served model; a registry of its own per application."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

SECONDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
SCORES = tuple(i / 20 for i in range(1, 20))


class Figures:
    """Counters and histograms; a shift of `bgad_score` is the first that a line sees of another light or camera."""

    def __init__(self, *, project: str, version: int, engine: str, edited: bool) -> None:
        self.registry = CollectorRegistry()
        self.images = Counter("bgad_images", "Images scored", ["decision"], registry=self.registry)
        self.refused = Counter("bgad_refused", "Requests refused", ["status"], registry=self.registry)
        self.seconds = Histogram(
            "bgad_seconds", "Decoding and scoring of one image", buckets=SECONDS, registry=self.registry
        )
        self.score = Histogram(
            "bgad_score", "Scores; 0.5 is the boundary, higher is more abnormal", buckets=SCORES, registry=self.registry
        )
        self.inside = Gauge("bgad_requests_inside", "Requests that score or wait", registry=self.registry)
        info = Info("bgad_bundle", "What is served", registry=self.registry)
        info.info(
            {
                "project": project,
                "version": str(version),
                "engine": engine,
                "decision": "edited" if edited else "exported",
            }
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
