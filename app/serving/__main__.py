"""`bgad-serve BUNDLE` and `bgad-serve token NAME`: a bundle served where the tool, and torch, are not installed."""

import argparse
import logging
import sys
from collections.abc import Sequence

from app.services.errors import Refused
from app.serving.options import serve, serve_options, token, token_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; 1 and a sentence for what a person can mend."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        return token(options, _say) if hasattr(options, "name") else serve(options, _say)
    except Refused as error:
        print(f"bgad-serve: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Both commands and their options."""
    top = argparse.ArgumentParser(prog="bgad-serve", description="Serve a model that left BGAD Inspect.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    serve_options(commands.add_parser("bundle", help="serve one"))
    token_options(commands.add_parser("token", help="make a token"))
    return top


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
