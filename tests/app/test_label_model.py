"""Two inspectors, crashes, retries, against a plain dict: the label services can never say anything else."""

import os
import uuid

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.services.context import Context
from app.services.errors import Refused
from app.services.label import save_verdict, undo
from app.settings import Settings
from storage import annotations, images
from storage.blobs import Blobs
from storage.database import Database
from storage.errors import Conflict
from storage.models import Verdict
from tests.app.conftest import ENGINEER, INSPECTOR, scratch_mask

EXAMPLES = 5_000 if os.environ.get("SOAK") else 100
IMAGES = 3
PEOPLE = st.sampled_from([INSPECTOR, ENGINEER])
PLACES = st.integers(0, IMAGES - 1)
WORDS = st.sampled_from([Verdict.normal, Verdict.defect, Verdict.unsure])
Said = tuple[Verdict | None, str, bool]  # verdict, by whom, with a mask


class Crash(Exception):
    """The process ended before the commit."""


class Labels(RuleBasedStateMachine):
    """Each example has a project of its own in one database."""

    settings_of_all: Settings

    @initialize()
    def begin(self) -> None:
        self.said: dict[int, list[Said]] = {place: [] for place in range(IMAGES)}
        self.sent: list[tuple] = []
        self.open()
        with self.context.database.write() as session:
            project = images.create_project(session, name=f"tile {uuid.uuid4().hex}", settings={})
            arrival = images.start_ingest(session, project_id=project.id, source="seed", by="ann")
            made = [
                images.add_image(
                    session, project_id=project.id, sha256=f"{number:064x}", pixels="0" * 64, thumb="0" * 64,
                    name=f"{number}.png", width=64, height=64, held_out=False, ingest_id=arrival.id,
                )
                for number in range(IMAGES)
            ]  # fmt: skip
            self.ids = [image.id for image, _ in made]

    def open(self) -> None:
        given = self.settings_of_all
        self.context = Context(given, Database(given.database_url), Blobs(given.objects_url))

    @rule(who=PEOPLE, place=PLACES, verdict=WORDS, masked=st.booleans(), stale=st.integers(0, 2))
    def save(self, who, place, verdict, masked, stale) -> None:
        """A save by somebody who saw the latest revision, or an older one."""
        seen = max(0, len(self.said[place]) - stale)
        request = (who, place, verdict, masked, seen, uuid.uuid4().hex)
        if seen != len(self.said[place]):
            with pytest.raises(Conflict):
                self.send(request)
            return
        assert self.send(request).revision == seen + 1
        self.said[place].append((verdict, who.name, masked and verdict is not Verdict.normal))
        self.sent.append(request)

    def send(self, request):
        who, place, verdict, masked, seen, name = request
        mask = scratch_mask() if masked else None
        return save_verdict(self.context, who, self.ids[place], verdict=verdict, mask_png=mask, client_id=name,
                            expected_revision=seen)  # fmt: skip

    @rule(number=st.integers(0, 9))
    def send_again(self, number) -> None:
        """The answer was lost: the same save once more changes nothing, whatever came after it."""
        if self.sent:
            request = self.sent[-1 - number % len(self.sent)]
            assert self.send(request).revision == request[4] + 1

    @rule(who=PEOPLE, place=PLACES)
    def take_back(self, who, place) -> None:
        said = self.said[place]
        if not said or said[-1][0] is None or said[-1][1] != who.name:
            with pytest.raises(Refused):
                undo(self.context, who, self.ids[place], expected_revision=len(said))
            return
        undo(self.context, who, self.ids[place], expected_revision=len(said))
        before = said[-2] if len(said) > 1 else (None, "", False)
        said.append((before[0], who.name, before[2]))

    @rule(place=PLACES, verdict=WORDS)
    def crash_before_the_commit(self, place, verdict) -> None:
        with pytest.raises(Crash), self.context.database.write() as session:
            annotations.save_annotation(
                session, image_id=self.ids[place], verdict=verdict, defect_type="dent", mask=None, by="ida",
                client_id=uuid.uuid4().hex, expected_revision=len(self.said[place]), version_id=None, score=None,
            )  # fmt: skip
            raise Crash

    @rule()
    def start_again(self) -> None:
        self.context.database.dispose()
        self.open()

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        if not hasattr(self, "context"):
            return
        with self.context.database.read() as session:
            for place, image_id in enumerate(self.ids):
                rows = annotations.history(session, image_id)[::-1]
                assert [row.revision for row in rows] == list(range(1, len(rows) + 1))
                assert [(row.verdict, row.by, row.mask is not None) for row in rows] == self.said[place]

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.context.database.dispose()


@pytest.mark.slow
def test_labels_are_what_a_plain_dict_says(settings):
    Labels.settings_of_all = settings
    run = Labels.TestCase()
    run.settings = hypothesis.settings(
        max_examples=EXAMPLES, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run.runTest()
