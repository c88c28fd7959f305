"""`run_until_stopped` over two tiny children: `tiny_serve PORT`; `tiny_serve web` and `worker` are the children."""

import os
import signal
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from app.processes import ENDED_ITSELF, child, run_until_stopped
from app.settings import Settings


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def main() -> int:
    if sys.argv[1] == "worker":
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(ENDED_ITSELF))  # as the watchdog does
        stop.wait()
        return 0
    settings = Settings.from_environment()
    if sys.argv[1] == "web":
        HTTPServer((settings.host, settings.port), Healthy).serve_forever()
    settings = replace(settings, home=Path.cwd(), port=int(sys.argv[1]))
    say = lambda line: print(line, flush=True)  # noqa: E731
    children = [child(name, ("tests.app.tiny_serve", name), settings) for name in ("web", "worker")]

    def ready() -> None:
        say(f"ready {children[0].process.pid} {children[1].process.pid}")

    return run_until_stopped(children, settings, say, ready=ready)


if __name__ == "__main__":
    sys.exit(main())
