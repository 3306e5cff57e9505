"""The servers that the HTTP adapter is tried on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import pytest

from meta_tests.adapters.http.service import Asked, Service


@pytest.fixture
def service() -> Iterator[Service]:
    mine = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length", 0))
            text = self.rfile.read(length)
            path, _, query = self.path.partition("?")
            pairs = parse_qsl(query, keep_blank_values=True)
            body = json.loads(text) if text else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            mine.asked.append(Asked(self.command, path, pairs, headers, body))
            reply = mine.answer(mine.last())
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(0 if reply.status == 204 else len(content)))
            self.end_headers()
            self.wfile.write(b"" if reply.status == 204 else content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - looked up by that name

        def log_message(self, *_args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    mine.url = f"http://127.0.0.1:{server.server_port}"
    yield mine
    server.shutdown()
    thread.join()
    server.server_close()
