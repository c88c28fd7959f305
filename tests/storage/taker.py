"""Asks for images, one after the other, and says which it got: `python -m tests.storage.taker URL NAME PROJECT ID…`."""

import sys

from storage import leases
from storage.database import Database

if __name__ == "__main__":
    url, name, *numbers = sys.argv[1:]
    project_id, *wanted = map(int, numbers)
    with Database(url).write() as session:
        for image_id in wanted:
            given = {"project_id": project_id, "image_id": image_id, "purpose": "defect"}
            print(image_id if leases.take(session, by=name, **given) else f"not {image_id}")
