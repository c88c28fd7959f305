"""A small JSON API for scripts, by `Authorization: Bearer`: images and labels in, scores out. See docs/accounts.md."""

import json
import math
import uuid
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.ingest import request_ingest, stage_upload
from app.services.projects import projects_of
from app.services.retrain import run_view
from app.services.score import ranked_queue
from app.services.sent_label import save_sent
from app.ui.opened import opened
from app.ui.status import REFUSALS, TooLarge, status_of
from storage.models import Verdict
from storage.text import visible

MOST_BYTES = 64 * 2**20  # of one image
MOST_LABEL = 8 * 2**20
MOST_SCORES = 500
Answer = Callable[[Request, Actor], Awaitable[dict[str, Any]]]


def answered(scope: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """A route that needs a scope of tokens; what is refused becomes a sentence under `error`."""

    async def route(request: Request) -> Response:
        actor: Actor = request.state.actor
        try:
            if actor.scopes is not None and scope not in actor.scopes:
                raise NotAllowed(f"this token has no scope {scope!r}: make one that has")
            return JSONResponse(await answer(request, actor), headers={"Cache-Control": "no-store"})
        except REFUSALS as refused:
            return JSONResponse({"error": visible(str(refused))}, status_code=status_of(refused))

    return route


async def projects(_request: Request, actor: Actor) -> dict[str, Any]:
    found = await run_in_threadpool(projects_of, opened(), actor)
    return {"projects": [{"slug": project.slug, "name": project.name} for project in found]}


async def bring_in(request: Request, actor: Actor) -> dict[str, Any]:
    """One image as the body, its name in `?name=`; it is scored when a worker has brought it in."""
    data = await _body(request, MOST_BYTES)
    slug, name = request.path_params["slug"], request.query_params.get("name", "image")

    def take() -> str:
        staged = stage_upload(opened(), actor, [(name, data)])
        return request_ingest(opened(), actor, slug, staged, "unknown")

    return {"run": await run_in_threadpool(take)}


async def run(request: Request, actor: Actor) -> dict[str, Any]:
    found = await run_in_threadpool(run_view, opened(), actor, request.path_params["run"])
    return {"run": found.id, "kind": found.kind, "state": found.state.name, "error": found.error}


async def scores(request: Request, actor: Actor) -> dict[str, Any]:
    """The deciding version's scores, the most abnormal first; `next` is the `?after=` of the page behind this one."""
    query, slug = request.query_params, request.path_params["slug"]
    limit = _whole(query.get("limit", "100"), "limit", most=MOST_SCORES)
    after = _after(query.get("after"))
    page = await run_in_threadpool(lambda: ranked_queue(opened(), actor, slug, limit=limit, after=after))
    return {
        "version": page.version_number,
        "unscored": page.unscored,
        "images": [
            {
                "id": item.image_id,
                "name": item.name,
                "score": item.score,
                "standing": item.standing.name if item.standing else None,
                "verdict": item.verdict.name if item.verdict else None,
            }
            for item in page.items
        ],
        "next": json.dumps(page.after) if page.after is not None else None,
    }


async def label(request: Request, actor: Actor) -> dict[str, Any]:
    """`{"verdict", "type", "mask" (base64 of a picture), "types", "revision" (that was seen), "client_id"}`.

    `types` has the masks of what is of another type than `type`, by name.
    """
    try:
        given = json.loads(await _body(request, MOST_LABEL))
        verdict = Verdict[given["verdict"]]
        mask = b64decode(given["mask"], validate=True) if given.get("mask") else None
        typed = {str(name): b64decode(png, validate=True) for name, png in (given.get("types") or {}).items()}
        client_id, seen = str(given.get("client_id") or uuid.uuid4())[:64], int(given.get("revision", 0))
        kind = given.get("type")
        if kind is not None and not isinstance(kind, str):
            raise TypeError("type is no text")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Refused(
            f"the label cannot be read ({type(error).__name__}): see docs/accounts.md for its form"
        ) from error
    row = await run_in_threadpool(
        lambda: save_sent(
            opened(), actor, request.path_params["id"], verdict=verdict, defect_type=kind, mask=mask, typed=typed,
            client_id=client_id, expected_revision=seen,
        )
    )  # fmt: skip
    return {"image": row.image_id, "revision": row.revision}


API = [
    Route("/api/projects", answered("read", projects), methods=["GET"]),
    Route("/api/projects/{slug}/images", answered("score", bring_in), methods=["POST"]),
    Route("/api/projects/{slug}/scores", answered("read", scores), methods=["GET"]),
    Route("/api/runs/{run}", answered("read", run), methods=["GET"]),
    Route("/api/images/{id:int}/label", answered("label", label), methods=["POST"]),
]


async def _body(request: Request, most: int) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise TooLarge(f"the body has more than {most:,} bytes: send less at once")
    return bytes(data)


def _whole(text: str, name: str, *, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
        raise Refused(f"{name}={text[:20]!r} is no number from 1 to {most}")
    return int(text)


def _after(text: str | None) -> tuple[float, int] | int | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
        if isinstance(value, int):
            return int(value)
        score, image = float(value[0]), int(value[1])
        if math.isfinite(score):
            return score, image
    except (ValueError, TypeError, IndexError, KeyError, RecursionError, OverflowError):
        pass
    raise Refused(f"after={text[:40]!r} is no place in the list: give `next` as it came")
