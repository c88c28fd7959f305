"""A label that a script sends: its masks are files of any make, read as the masks of every file are."""

from collections.abc import Mapping

from app.services.access import image_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.guard import guard
from app.services.label import save_verdict
from app.services.pictures import BadPicture
from storage.masks import encode_mask
from storage.models import Annotation, Image, Role, Verdict


def save_sent(
    context: Context,
    actor: Actor,
    image_id: int,
    *,
    verdict: Verdict,
    defect_type: str | None,
    mask: bytes | None,
    typed: Mapping[str, bytes],
    client_id: str,
    expected_revision: int,
) -> Annotation:
    """Save what a script says of an image; see `save_verdict`.

    Args:
        mask: a picture of the image's size, in which `read_mask` says what is marked.
        typed: the same for what is of another type than `defect_type`, by type.

    Raises:
        Refused: a mask cannot be read, marks nothing, or goes with a normal part.
        Conflict: somebody else saved in between.
    """
    if verdict is Verdict.normal and (mask is not None or typed):
        raise Refused("a normal part has no mask: leave the masks out, or call the part a defect or unsure")
    with context.database.read() as session:
        image = image_of(session, actor, image_id, Role.inspector)
    return save_verdict(
        context,
        actor,
        image_id,
        verdict=verdict,
        defect_type=defect_type,
        mask_png=None if mask is None else _read(mask, image, "mask"),
        typed_png={name: _read(data, image, f"mask of {name!r}") for name, data in typed.items()},
        client_id=client_id,
        expected_revision=expected_revision,
    )


def _read(data: bytes, image: Image, what: str) -> bytes:
    try:
        return encode_mask(guard().mask(data, width=image.width, height=image.height, of=image.name))
    except BadPicture as bad:
        raise Refused(f"the {what} cannot be taken: {bad}") from None
