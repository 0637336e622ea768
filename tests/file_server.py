"""A server for files to be fetched, on this machine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Serves the files of a folder, and whatever `answers` has at a path instead."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.closing = threading.Event()

    def hangs(self, handler: BaseHTTPRequestHandler) -> None:
        """Send a little of a file, and then nothing more."""
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(bytes(1000))
        handler.wfile.flush()
        self.closing.wait()


def sends(content: bytes, *, length: int | None = None) -> Answer:
    """Answers with that content, under another length if one is given; a length of -1 is left unsaid."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if length != -1:
            handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        with contextlib.suppress(OSError):  # whoever asked may have gone
            handler.wfile.write(content)

    return answer


def redirects(url: str) -> Answer:
    """Answers that it is elsewhere."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.end_headers()

    return answer


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve a folder meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.lstrip("/")
            server.asked.append(name)
            if name in server.answers:
                server.answers[name](self)
            elif (folder / name).is_file():
                sends((folder / name).read_bytes())(self)
            else:
                self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        listening.block_on_close = False
        server = Server(folder, f"http://127.0.0.1:{listening.server_port}")
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            listening.shutdown()
