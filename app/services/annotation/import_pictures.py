"""What an import would mark, as small pictures to look at before it is saved."""

import base64

import cv2
import numpy as np

from app.services.annotation.import_plan import Change
from app.services.context import Context
from storage.masks import decode_mask
from storage.models import Image

MARK = (40, 60, 235)  # BGR
SIDE = 160


def marked_thumb(context: Context, change: Change) -> str:
    """The image's thumbnail with what the label marks, as the address of a JPEG."""
    with context.database.read() as session:
        thumb = session.get_one(Image, change.image_id).thumb
    picture = cv2.imdecode(np.frombuffer(context.blobs.get(thumb), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    scale = SIDE / max(picture.shape[:2])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    if change.label.mask is not None:
        share = cv2.resize(decode_mask(change.label.mask).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        here = share > 0  # the thinnest scratch is seen
        picture[here] = (0.55 * picture[here] + 0.45 * np.array(MARK)).astype(np.uint8)
        outlines, _ = cv2.findContours(here.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(picture, outlines, -1, MARK, 1)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
