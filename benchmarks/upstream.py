"""The upstream of the proxy's benchmark, in a process of its own: `python -m benchmarks.upstream PORT…`."""

from __future__ import annotations

import http.server
import json
import socketserver
import sys
import threading
import time
from typing import Any

ID = "chatcmpl-benchmark"
DRIP = "chatcmpl-drip"  # under /stalled, a byte of it comes every half second
TEXT = "The parcel left the warehouse on Tuesday and **should** arrive by Friday. " * 20
MESSAGES = [
    {"id": f"{ID}-{n}", "role": "user", "content": TEXT, "content_parts": None, "name": None} for n in range(20)
]
COMPLETION = {
    "id": ID, "model": "gpt-4.1", "created": 1_762_000_000,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
}  # fmt: skip
_PAGE = json.dumps({"object": "list", "data": MESSAGES, "has_more": True}).encode()
_COMPLETION = json.dumps(COMPLETION).encode()


def main(ports: list[int]) -> None:
    servers = [_Server(("127.0.0.1", port), _Upstream) for port in ports]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


class _Upstream(http.server.BaseHTTPRequestHandler):
    """Responds at once, from memory; under /stalled only to the request that tests a key."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.startswith("/stalled") and "limit=1&" not in self.path:
            self._stall()
        body = _PAGE if "/messages" in self.path else _COMPLETION
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stall(self) -> None:
        if self.path.endswith(DRIP):
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b" ")
                time.sleep(0.5)
        time.sleep(3600)

    def log_message(self, *args: Any) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *args: Any) -> None:
        """Ignore clients that leave."""


if __name__ == "__main__":
    main([int(port) for port in sys.argv[1:]])
