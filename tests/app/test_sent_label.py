"""A label that a script sends: its masks by the rule of every mask in a file, and nothing dropped in silence."""

import numpy as np
import pytest
from PIL import Image as Pillow

from app.services.errors import Refused
from app.services.sent_label import save_sent
from storage.masks import decode_mask
from storage.models import Verdict
from tests.app.conftest import encode, part
from tests.app.labelled import REVIEWER, ingested

SHAPE = np.zeros((64, 64), dtype=bool)
SHAPE[10:20, 30:45] = True


@pytest.fixture
def send(context, tmp_path):
    """Sends a label of the only image."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(part(1))
    ingested(context, tmp_path / "in")

    def go(verdict=Verdict.defect, *, kind=None, mask=None, typed=None):
        sent = {"verdict": verdict, "defect_type": kind, "mask": mask, "typed": typed or {}}
        return save_sent(context, REVIEWER, 1, **sent, client_id="one", expected_revision=0)

    return go


def palette(mask):
    picture = Pillow.fromarray(mask.astype(np.uint8), mode="P")
    picture.putpalette([0, 0, 0, 128, 0, 0])
    return picture


def alpha(mask):
    return Pillow.merge("RGBA", [Pillow.new("L", mask.shape[::-1])] * 3 + [Pillow.fromarray(mask * np.uint8(255))])


MAKES = {
    "0 and 1": lambda mask: Pillow.fromarray(mask.astype(np.uint8)),
    "dark grey": lambda mask: Pillow.fromarray(mask * np.uint8(100)),
    "16 bits": lambda mask: Pillow.fromarray(mask.astype(np.uint16)),
    "palette": palette,
    "opacity": alpha,
    "1 bit": Pillow.fromarray,
}


@pytest.mark.parametrize("make", MAKES)
def test_a_mask_of_any_make_marks_what_it_marks_in_a_file(send, make):
    row = send(kind="dent", mask=encode(MAKES[make](SHAPE)))
    assert np.array_equal(decode_mask(row.mask), SHAPE)


def test_masks_of_other_types_are_read_alike(send):
    row = send(typed={"dent": encode(MAKES["0 and 1"](SHAPE)), "stain": encode(MAKES["opacity"](SHAPE.T))})
    assert np.array_equal(decode_mask(row.mask), SHAPE | SHAPE.T)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"mask": encode(Pillow.new("L", (64, 64)))}, "marks nothing"),
        ({"mask": encode(Pillow.new("L", (32, 64), 255))}, "is 32x64 but a.png is 64x64"),
        ({"mask": encode(Pillow.fromarray(SHAPE))[:60]}, "damaged or cut short"),
        ({"typed": {"dent": b"words"}}, "mask of 'dent' cannot be taken: is not an image"),
        ({"verdict": Verdict.normal, "mask": encode(Pillow.fromarray(SHAPE))}, "a normal part has no mask"),
    ],
)
def test_a_mask_that_cannot_be_taken_is_named_and_saves_nothing(send, sent, says):
    with pytest.raises(Refused, match=says):
        send(**sent)
    assert send(Verdict.unsure).revision == 1
