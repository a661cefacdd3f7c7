"""A captive portal: whatever is asked, it answers with its own page or sends elsewhere."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final, Self

PAGE: Final = b"<html><body>Welcome! Please accept our terms to use this network.</body></html>"


class _Page(BaseHTTPRequestHandler):
    turns = count()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if next(self.turns) % 2:
            self.send_response(302)
            self.send_header("Location", "http://portal.invalid/welcome")
        else:
            self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    do_GET = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Portal:
    """Serves in a thread until it is closed."""

    def __init__(self, host: str, port: int) -> None:
        self._server = ThreadingHTTPServer((host, port), _Page)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
