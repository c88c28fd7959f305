"""One of the processes that train a run together: `python -m app.worker.rank RUN FOLDER`, started by `together`."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from app.processes import die_with_parent
from app.services.context import Context, opened
from app.services.errors import Refused
from app.settings import Settings
from app.worker.loop import limit_threads
from app.worker.together import MODEL, STOP, TOLD, WHY
from bgad_core.errors import BGADError, Cancelled
from bgad_core.progress import Progress
from storage import runs
from storage.models import Run


def main(run_id: str, meeting: Path) -> None:
    """Train with the others; the first one tells how far they are, and writes the model."""
    worker = os.getppid()
    die_with_parent(signal.SIGKILL)  # also in the middle of a step that does not end

    def stopped() -> bool:
        """Told to, or nobody is left to tell: a worker that was killed takes the run up anew."""
        return (meeting / STOP).is_file() or os.getppid() != worker

    settings = Settings.from_environment()
    settings = replace(settings, threads=max(1, settings.threads // int(os.environ["WORLD_SIZE"])))
    limit_threads(settings.threads)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with opened(settings) as context:
        with context.database.read() as session:
            run = runs.run(session, run_id)
        if run is None:
            return  # its project was removed meanwhile
        try:
            _train(context, run, meeting, stopped)
        except Cancelled:
            pass
        except (BGADError, Refused) as error:  # started again it would say the same
            (meeting / WHY).write_text(str(error), encoding="utf-8")


def _train(context: Context, run: Run, meeting: Path, stopped: Callable[[], bool]) -> None:
    from app.worker.retrain import trained
    from bgad_core import ranks

    def tell(step: Progress) -> None:
        if ranks.is_first():
            with (meeting / TOLD).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(step)) + "\n")

    with ranks.joined(meeting / f"store-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"):
        model = trained(context, run, meeting.parent, tell, stopped)
        if ranks.is_first():
            unfinished = meeting / f"{MODEL}.part"
            model.save(unfinished)
            os.replace(unfinished, meeting / MODEL)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
