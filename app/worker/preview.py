"""The pasted defects that the next retrain would train on (Sec. 3.5), as pictures, before anybody waits for it."""

import cv2
import numpy as np

from app.jobs import Job
from app.services.context import Context
from app.worker.retrain import config_of
from app.worker.samples import plan_of, samples_of
from bgad_core.rpag import Pasted, preview

COUNT = 12
RED = (49, 49, 224)  # BGR


def paste(context: Context, job: Job) -> None:
    """Paste with the settings and the seed of the next retrain; the run keeps the pictures' keys."""
    plan = plan_of(context, job.project_id, context.settings.home / "runs" / job.run_id)
    normals, anomalies, _ = samples_of(context, job.project_id, plan)
    config = config_of(context, job)
    made = preview(
        normals,
        anomalies,
        size=config.size,
        count=COUNT,
        seed=config.seed,
        transforms=config.training.transforms,
    )
    job.keep({"pictures": [context.blobs.put(_picture(pasted)) for pasted in made if pasted.mask.any()]})
    job.progress("pasted", len(made), len(made))


def _picture(pasted: Pasted) -> bytes:
    """The image with what was pasted outlined, as a PNG."""
    image = cv2.cvtColor(pasted.image, cv2.COLOR_RGB2BGR)
    grown = cv2.dilate(pasted.mask.astype(np.uint8), np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, outlines, -1, RED, 1)
    done, data = cv2.imencode(".png", image)
    if not done:
        raise ValueError(f"a picture of shape {image.shape} could not be encoded")
    return data.tobytes()
