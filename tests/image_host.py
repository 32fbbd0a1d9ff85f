"""A host of pictures "in the internet": names, addresses and connections are diverted to a server in this process.

The address check of `remote_images` stays as it is. Names lead to public addresses, as a resolver in the internet would
answer; the connection to such an address, which the check let pass, is then led to the server on the loopback.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "151.101.1.69"
Body = bytes | Callable[[], Iterator[bytes]]


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]


@dataclass
class ImageHost:
    """What the internet answers: `names` to lookups (one answer each time, the last again and again), `pages` to GET.

    A page with the status 0 sends its body and nothing before it.
    """

    names: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, tuple[int, dict[str, str], Body]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    def serve(self, path: str, body: Body, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, named, body)

    def redirect(self, path: str, to: str) -> None:
        self.serve(path, b"", 302, Location=to)


@contextmanager
def running_image_host(patch: pytest.MonkeyPatch, *, tls: ssl.SSLContext | None = None) -> Iterator[ImageHost]:
    host = ImageHost({"pictures.example": [PUBLIC]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    _divert(patch, host, server.server_address[1])
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def _divert(patch: pytest.MonkeyPatch, host: ImageHost, port: int) -> None:
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(name: Any, *args: Any, **kwargs: Any) -> Any:
        given = name.decode() if isinstance(name, bytes) else name
        if given in host.names:
            host.looked_up.append(given)
            answers = host.names[given]
            given = answers.pop(0) if len(answers) > 1 else answers[0]
        elif given and given.endswith((".example", ".invalid")):
            host.looked_up.append(given)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(given, *args, **kwargs)

    def connect_to(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] in (PUBLIC, OTHER_PUBLIC):
            host.connected.append(address[0])
            address = ("127.0.0.1", port)
        connect(self, address)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    patch.setattr(socket.socket, "connect", connect_to)


def _handler(host: ImageHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(Asked(self.path, dict(self.headers.items())))
            status, headers, body = host.pages.get(self.path, (404, {}, b"nothing here"))
            pieces = iter([body]) if isinstance(body, bytes) else body()
            with suppress(OSError):  # the other side may have had enough
                if status:
                    self.send_response(status)
                    for name, value in itertools.chain(headers.items(), [("Set-Cookie", "track=1; Path=/")]):
                        self.send_header(name, value)
                    self.end_headers()
                for piece in pieces:
                    self.wfile.write(piece)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
