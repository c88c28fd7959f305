"""A version with as many calibration parts as a test needs, without training on them."""

from bgad_core import calibration
from storage import decisions, versions


def calibrated(context, number, values):
    """Give a version the calibration that it would have kept had these been the scores of its good parts."""
    with context.database.write() as session:
        version = versions.version_by_number(session, 1, number)
        version.metrics = {**version.metrics, "calibration": calibration.threshold_table(values)}


def decide_at(context, number, *, stop, reject):
    """Let a version decide by an operating point whose two scores the test chose."""
    with context.database.write() as session:
        version = versions.version_by_number(session, 1, number)
        evidence = {"normals": 60, "rank": 59, "expected": 0.03, "low": 0.01, "high": 0.06, "upper": 0.05}
        decisions.add_operating_point(
            session, version_id=version.id, promise="confident", alpha=0.05, confidence=0.9, stop=stop, reject=reject,
            evidence=evidence, by="ann",
        )  # fmt: skip
