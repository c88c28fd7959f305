"""A pool of any size in PostgreSQL, written by the server itself: a million images in seconds.

The rows look as a production line leaves them: parts came evenly over two years, one in twenty has a label, one run
in a thousand images, three of them at work. Two projects share the tables, the second with a tenth of the rows.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import Table, text

from storage import images, versions
from storage.database import Database
from storage.models import Annotation, Base, Image, Run, RunState, Score

KEY = "0" * 64
DAYS = 730

IMAGES = """
INSERT INTO images (id, project_id, sha256, pixels, thumb, name, width, height, held_out, ingest_id, created_at)
SELECT i, CASE WHEN i % 11 = 0 THEN :other ELSE :project END, lpad(to_hex(i), 64, '0'), :key, :key,
       lpad(i::text, 9, '0') || '.png', 1024, 1024, i % 100 = 0, :ingest,
       now() - make_interval(secs => 86400.0 * :days * (1 - i::float8 / :rows))
FROM generate_series(1, :rows) i
"""
SCORES = """
INSERT INTO scores (version_id, image_id, score, distance, standing, maps, waiting, draw, margin, novelty, descriptor)
SELECT v, i, s, abs(s - 0.5), (CASE WHEN s > 0.66 THEN 'defect' WHEN s > 0.5 THEN 'margin' ELSE 'normal' END)::standing,
       :key, i % 20 <> 0, CASE WHEN i % 20 <> 0 THEN random() END, 0.01, -0.4 * ln(1 - random()),
       decode(repeat(md5(i::text), 8), 'hex')
FROM (SELECT i, CASE WHEN i % 11 = 0 THEN :other ELSE :version END AS v, sqrt(random() * random()) * 0.9 AS s
      FROM generate_series(1, :rows) i) drawn
"""
ANNOTATIONS = """
INSERT INTO annotations (project_id, image_id, revision, verdict, by, client_id, version_id, purpose, created_at)
SELECT CASE WHEN i % 11 = 0 THEN :other ELSE :project END, i, 1,
       (CASE WHEN i % 60 = 0 THEN 'defect' ELSE 'normal' END)::verdict, (ARRAY['ida', 'ben', 'import'])[1 + i / 20 % 3],
       CASE WHEN i / 20 % 3 = 2 THEN 'import-' ELSE 'bench-' END || i, NULL,
       CASE WHEN i % 40 = 0 THEN 'boundary' END, now()
FROM generate_series(20, :rows, 20) i
"""
RUNS = """
INSERT INTO runs (id, project_id, kind, state, by, reason, arguments, progress, attempts, created_at)
SELECT gen_random_uuid()::text, :project, 'score', (CASE WHEN i <= 3 THEN 'queued' ELSE 'done' END)::runstate, 'ann',
       '', '{}', '{}', 1, now() - make_interval(secs => i)
FROM generate_series(1, 3 + :rows / 1000) i
"""
SHARDS = """
INSERT INTO shards (run_id, number, version_id, first_image, last_image, images, scored, state, attempts)
SELECT id, n, :version, n, n, 1, 0, (CASE WHEN state = 'queued' THEN 'waiting' ELSE 'done' END)::shardstate, 1
FROM runs, generate_series(0, 9) n WHERE kind = 'score'
"""


@dataclass(frozen=True)
class Pool:
    """Who to ask about."""

    project_id: int
    version_id: int
    rows: int


def filled(database: Database, rows: int) -> Pool:
    """A pool of `rows` images in an upgraded, empty PostgreSQL database, all but the last hundred scored."""
    project, version = _version(database, "line")
    other, other_version = _version(database, "other line")
    with database.write() as session:
        ingest = images.start_ingest(session, project_id=project, source="bench", by="ann").id
    names = {"key": KEY, "days": DAYS, "rows": rows, "project": project, "other": other, "ingest": ingest}
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # foreign keys hold by construction
        connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        connection.execute(text("TRUNCATE images, scores, annotations CASCADE"))
        tables: list[Table] = [model.__table__ for model in (Image, Score, Annotation)]  # type: ignore[misc]
        for index in (index for table in tables for index in table.indexes):
            index.drop(connection)
        connection.execute(text(IMAGES), names)
        connection.execute(text(SCORES), {**names, "rows": rows - 100, "version": version, "other": other_version})
        for statement in (ANNOTATIONS, RUNS, SHARDS):
            connection.execute(text(statement), {**names, "version": version})
        for index in (index for table in tables for index in table.indexes):
            index.create(connection)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(text(f"VACUUM ANALYZE {table.name}"))
    return Pool(project, version, rows)


def _version(database: Database, name: str) -> tuple[int, int]:
    """(project's id, its deciding version's id)."""
    with database.write() as session:
        project = images.create_project(session, name=name, settings={})
        run = Run(id=str(uuid.uuid4()), project_id=project.id, kind="retrain", by="ann", state=RunState.done)
        session.add(run)
        session.flush()
        version = versions.add_version(
            session, project_id=project.id, run_id=run.id, parent_id=None, checkpoint=KEY, config={}, histograms={},
            boundaries=[], metrics={}, snapshot={}, known_anomalies=0, device="cpu", seconds=1.0,
        )  # fmt: skip
        versions.promote(session, project_id=project.id, version_id=version.id, by="ann")
        return project.id, version.id
