"""Saves one label after the other, and says so once each is on disk: `python -m tests.storage.saver URL ID,ID,…`.

Reads a line before it begins, so that a test kills work and not a start.
"""

import sys

from storage import images
from storage.database import Database
from storage.models import Verdict
from tests.storage.seeds import A_MASK, say

if __name__ == "__main__":
    database = Database(sys.argv[1])
    with database.read() as session:
        session.connection()
    print("ready", flush=True)
    sys.stdin.readline()
    for image_id in map(int, sys.argv[2].split(",")):
        with database.write() as session:
            say(session, images.image(session, image_id), Verdict.defect, defect_type="dent", mask=A_MASK)
        print(image_id, flush=True)
