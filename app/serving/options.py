"""The two commands around a served model, shared by `bgad-inspect` and `bgad-serve`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from app.serving.limits import Limits

TOKENS = Path("tokens.txt")


def serve_options(parser: ArgumentParser) -> None:
    limits = Limits()
    parser.add_argument("bundle", type=Path, help="a .bgad file, or a bundle's folder")
    parser.add_argument("--tokens", type=Path, default=TOKENS, help="the file of tokens (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8600, help="default: %(default)s")
    parser.add_argument("--engine", choices=("auto", "openvino", "onnxruntime"), default="auto")
    parser.add_argument("--threads", type=int, help="processor threads of one inference (default: all cores)")
    parser.add_argument("--max-bytes", type=int, default=limits.max_bytes, help="of a request (default: %(default)s)")
    parser.add_argument("--max-pixels", type=int, default=limits.max_pixels, help="of an image (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=limits.at_once, help="images scored together (%(default)s)")
    parser.add_argument("--waiting", type=int, default=limits.waiting, help="requests that may wait (%(default)s)")


def token_options(parser: ArgumentParser) -> None:
    parser.add_argument("name", help="who will send it, for example line-4")
    parser.add_argument("--tokens", type=Path, default=TOKENS, help="the file of tokens (default: %(default)s)")


def token(options: Namespace, say: Callable[[str], None]) -> int:
    from app.serving.tokens import add_token

    say(add_token(options.tokens, options.name))
    return 0


def serve(options: Namespace, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT; requests that are inside are answered first."""
    import uvicorn

    from app.serving.api import create_app
    from app.serving.scorer import open_scorer
    from app.serving.tokens import Tokens

    tokens = Tokens(options.tokens)
    scorer = open_scorer(options.bundle, engine=options.engine, threads=options.threads)
    limits = Limits(options.max_bytes, options.max_pixels, options.at_once, options.waiting)
    decided = "an edited decision" if scorer.bundle.edited else "its decision as exported"
    say(f"{scorer.bundle.name} on {scorer.engine}: {scorer.tested} images score as in the tool; {decided}")
    say(f"listening at http://{options.host}:{options.port}")
    app = create_app(scorer, tokens, limits)
    uvicorn.run(app, host=options.host, port=options.port, log_level="warning", server_header=False)
    return 0
