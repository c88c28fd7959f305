"""A bundle over HTTP: `POST /score`, health, readiness and figures. The one home of FastAPI.

Nothing but health and readiness answers without a token. A body is read piece by piece, so that one beyond the limit
is never held; an image's size is known from its header before it is decoded.
"""

import logging
import time
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException

from app.services.pictures import BadPicture, TooLarge, UnknownKind, read_pixels
from app.serving.answers import Answer, Health, Problem, answer_of
from app.serving.figures import Figures
from app.serving.limits import Busy, Limits, Room
from app.serving.scorer import Scored, Scorer
from app.serving.tokens import MAKES_ONE, Tokens

log = logging.getLogger(__name__)
KINDS = ("image/png", "image/jpeg", "image/bmp", "image/tiff", "image/webp", "application/octet-stream")
BODY = {
    "required": True,
    "description": "The image file itself: PNG, JPEG, BMP, TIFF or WEBP.",
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "no token, or nobody's"},
    413: {"model": Problem, "description": "too many bytes or pixels"},
    415: {"model": Problem, "description": "not an image, or of a kind that is not read"},
    422: {"model": Problem, "description": "a damaged image, or a parameter that makes no sense"},
    429: {"model": Problem, "description": "as many images are being scored as may be: come back"},
}
STRANGER: dict[int | str, dict[str, Any]] = {401: REFUSALS[401]}


def create_app(scorer: Scorer, tokens: Tokens, limits: Limits) -> FastAPI:
    """The application that serves one bundle."""
    bundle = scorer.bundle
    project, version = str(bundle.manifest["project"]), int(bundle.manifest["version"])
    figures = Figures(project=project, version=version, engine=scorer.engine, edited=bundle.edited)
    room = Room(limits)
    app = FastAPI(
        title=f"BGAD Inspect: {bundle.name}",
        version=str(version),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        description="Is this part good, and where is the defect? A higher score is more abnormal.",
    )
    bearer = HTTPBearer(auto_error=False, description=f"made by {MAKES_ONE}")

    def holder(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
        name = tokens.holder(given.credentials) if given else None
        if name is None:
            sentence = f"a token is needed: send it as `Authorization: Bearer TOKEN`; {MAKES_ONE} makes one"
            raise HTTPException(401, sentence, {"WWW-Authenticate": "Bearer"})
        return name

    def health() -> Health:
        return Health(
            status="busy" if room.full else "ok",
            project=project,
            version=version,
            engine=scorer.engine,
            decision="edited" if bundle.edited else "exported",
            self_test=scorer.tested,
        )

    @app.get("/healthz")
    async def healthz() -> Health:
        """The process lives; its self-test passed before it listened."""
        return health()

    @app.get("/readyz", responses={503: {"model": Health, "description": "no room for another image"}})
    async def readyz(response: Response) -> Health:
        """There is room for another image."""
        response.status_code = 503 if room.full else 200
        return health()

    @app.get("/metrics", response_class=PlainTextResponse, responses=STRANGER)
    async def metrics(_: Annotated[str, Depends(holder)]) -> Response:
        """Figures in the text format of Prometheus."""
        figures.inside.set(room.inside)
        return Response(figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(_: Annotated[str, Depends(holder)]) -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.post("/score", responses=REFUSALS, openapi_extra={"requestBody": BODY})
    async def score(
        request: Request,
        who: Annotated[str, Depends(holder)],
        map: Annotated[bool, Query(description="send the map of scores along")] = False,
    ) -> Answer:
        """Score one image; its bytes are the body."""
        try:
            async with room.place() as scoring:
                data = await _body(request, limits)
                async with scoring:
                    started = time.perf_counter()
                    scored, heat = await anyio.to_thread.run_sync(_scored, scorer, data, limits, map)
                    figures.seconds.observe(time.perf_counter() - started)
        except Busy:
            sentence = f"{limits.at_once} images are being scored and {limits.waiting} wait: come back in a second"
            raise HTTPException(429, sentence, {"Retry-After": "1"}) from None
        figures.images.labels(scored.decision).inc()
        figures.score.observe(scored.score)
        log.info("%s: %s %.4f", who, scored.decision, scored.score)
        return answer_of(scored, project=project, version=version, heat=heat)

    @app.exception_handler(StarletteHTTPException)
    async def refused(_: Request, error: StarletteHTTPException) -> JSONResponse:
        figures.refused.labels(str(error.status_code)).inc()
        return JSONResponse({"detail": str(error.detail)}, error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def senseless(_: Request, error: RequestValidationError) -> JSONResponse:
        figures.refused.labels("422").inc()
        first = error.errors()[0]
        sentence = f"{'.'.join(map(str, first['loc'][1:]))} is {first.get('input')!r}: {first['msg']}"
        return JSONResponse({"detail": sentence}, 422)

    return app


async def _body(request: Request, limits: Limits) -> bytes:
    """The whole body, refused as soon as it is too long."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise HTTPException(415, f"{kind or 'nothing'} is no kind of image: send the file itself as {', '.join(KINDS)}")
    told = request.headers.get("content-length", "")
    parts, length = [], int(told) if told.isdigit() else 0
    too_long = f"the image has more than {limits.max_bytes:,} bytes: save it smaller or compressed"
    if length > limits.max_bytes:
        raise HTTPException(413, too_long)
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > limits.max_bytes:
            raise HTTPException(413, too_long)
        parts.append(part)
    return b"".join(parts)


def _scored(scorer: Scorer, data: bytes, limits: Limits, heat: bool) -> tuple[Scored, bytes | None]:
    try:
        scored = scorer.score(read_pixels(data, max_pixels=limits.max_pixels))
    except BadPicture as bad:
        status = 413 if isinstance(bad, TooLarge) else 415 if isinstance(bad, UnknownKind) else 422
        raise HTTPException(status, f"the image {bad}") from None
    return scored, scorer.heat(scored) if heat else None
