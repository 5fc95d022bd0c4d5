"""OSCQuery over HTTP: what the server understands, for programs that ask.

Only questions are answered (``GET``): the tree, its nodes, single attributes, ``HOST_INFO``.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from midigpt_server.discovery.tree import find, message_tree

ATTRIBUTES = ("FULL_PATH", "CONTENTS", "ACCESS", "TYPE", "RANGE", "DESCRIPTION", "VALUE")
_PATIENCE = 5.0  # seconds for a request to come


class OscQuery:
    """The HTTP server, on a thread of its own from the start; port 0 takes a free one.

    Raises ``OSError`` when the address cannot be bound.
    """

    def __init__(self, name: str, osc_host: str, osc_port: int, port: int = 0) -> None:
        info = {
            "NAME": name,
            "OSC_IP": osc_host,
            "OSC_PORT": osc_port,
            "OSC_TRANSPORT": "UDP",
            "EXTENSIONS": {
                name: name in ("ACCESS", "TYPE", "RANGE", "DESCRIPTION")
                for name in ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "TYPE", "LISTEN")
            },
        }
        self._server = ThreadingHTTPServer((osc_host, port), _handler(message_tree(), info))
        self._server.daemon_threads = True
        self._thread = Thread(
            target=self._server.serve_forever, name="midigpt-oscquery", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(root: dict[str, Any], info: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE

        def do_GET(self) -> None:
            """Answer one question."""
            url = urlsplit(self.path)
            if url.query == "HOST_INFO":
                self._answer(info)
                return
            node = find(root, unquote(url.path))
            if node is None:
                self.send_error(HTTPStatus.NOT_FOUND, "no such address")
            elif not url.query:
                self._answer(node)
            elif url.query not in ATTRIBUTES:
                self.send_error(HTTPStatus.BAD_REQUEST, "no such attribute")
            elif url.query not in node:
                self.send_response(HTTPStatus.NO_CONTENT)
                self.end_headers()
            else:
                self._answer({url.query: node[url.query]})

        def log_message(self, *_: Any) -> None:
            """Questions are not worth a line."""

        def _answer(self, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
