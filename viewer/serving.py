"""gunicorn's worker of threads, made proof against slow clients: a thread never waits for one.

What a client does not take at once is kept, on disk where it is much, and sent by one thread for all clients. So a slow
reader holds neither a thread that serves nor a server elsewhere whose answer is passed on. A proxy that buffers does
the same; without either, as many slow readers as there are threads stop the site. A request must arrive within a time,
a connection on which nothing comes holds no thread, and what gunicorn does at the end of a connection, waiting up to
two seconds in its main loop, is done here too.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
from contextlib import suppress
from queue import SimpleQueue
from tempfile import SpooledTemporaryFile
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker

_IN_MEMORY = 256_000  # bytes kept for one client before they go to disk
_MOST_KEPT = 2_000_000_000  # bytes kept for all clients
_PIECE = 256_000  # bytes
_FIRST_BYTE_SECONDS = 0.1  # for which a thread waits; then gunicorn's main loop does
_REQUEST_SECONDS = 30.0  # for a whole request to arrive
_SILENCE = 60.0  # seconds in which a client takes nothing
_LONGEST = 900.0  # seconds for a client to take all that is kept for it
_GOODBYE = 2.0  # seconds for a client to end its side of a connection (RFC 9112, 9.6)


class Client(socket.socket):
    """A client's connection. Neither `sendall` nor `close` waits.

    The descriptor never blocks; a timeout of Python's holds for `recv` alone. gunicorn's main loop watches it until it
    calls `close`, so it is not really closed before.
    """

    def __init__(self, accepted: socket.socket, sender: Sender) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self.give_up_at = 0.0
        self._sender = sender
        self._lock = threading.Lock()
        self._kept: Any = None  # a file; what is still to be sent stands between `_sent` and `_length`
        self._sent = self._length = 0
        self._began = self._request_by = 0.0
        self._says_goodbye = self._is_ending = self._is_gone = False
        self.setblocking(True)

    def expect_request(self) -> None:
        """Give the client its time to send a request."""
        self._request_by = monotonic() + _REQUEST_SECONDS

    def setblocking(self, flag: bool) -> None:
        self.settimeout(_REQUEST_SECONDS if flag else 0.0)

    def recv(self, *args: Any) -> bytes:
        self.settimeout(max(0.001, self._request_by - monotonic()))
        try:
            return super().recv(*args)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the request did not arrive in time") from None

    def sendall(self, data: Any, *args: Any) -> None:
        with self._lock:
            if self._is_gone:
                raise BrokenPipeError(errno.EPIPE, "the client has left")
            left = memoryview(data)
            if self._kept is not None:
                self._keep(left)
            elif left := left[self._send_now(left) :]:
                self._keep(left)
                self._sender.take_over(self)

    def shutdown(self, how: int) -> None:
        """Leave the goodbye to the sender; where this fails, gunicorn goes on to `close` at once."""
        self._says_goodbye = True
        raise OSError("the sender says goodbye")

    def close(self) -> None:
        with self._lock:
            if self._kept is None and not self._says_goodbye and not self._is_gone:
                super().close()
                return
            self._is_ending = self._says_goodbye = True
        self._sender.take_over(self)

    def go_on(self) -> int:
        """Send some of what is kept, then say goodbye; tell which event to wait for, 0 for none."""
        with self._lock:
            try:
                return self._go_on()
            except OSError:
                self._let_go()
                return 0

    def give_up(self) -> None:
        """The client took too long."""
        with self._lock:
            self._let_go()

    def _go_on(self) -> int:
        if self._is_gone:
            self._let_go()
            return 0
        if self._kept is not None:
            self._kept.seek(self._sent)
            if sent := self._send_now(memoryview(self._kept.read(_PIECE))):
                self._sent += sent
                self.give_up_at = min(monotonic() + _SILENCE, self._began + _LONGEST)
            if self._sent < self._length:
                return selectors.EVENT_WRITE
            self._forget()
        if not self._is_ending:
            return 0
        if self._says_goodbye:
            self._says_goodbye = False
            super().shutdown(socket.SHUT_WR)
            self.give_up_at = monotonic() + _GOODBYE
        with suppress(BlockingIOError):
            if not os.read(self.fileno(), _PIECE):
                self._let_go()
                return 0
        return selectors.EVENT_READ

    def _send_now(self, data: memoryview) -> int:
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0

    def _keep(self, data: memoryview) -> None:
        if not self._sender.has_room_for(len(data)):
            self._is_gone = True
            self._forget()
            raise BrokenPipeError(errno.EPIPE, "the client reads too slowly")
        if self._kept is None:
            self._kept = SpooledTemporaryFile(max_size=_IN_MEMORY, dir=self._sender.folder)  # noqa: SIM115
            self._began = monotonic()
            self.give_up_at = self._began + _SILENCE
        self._kept.seek(self._length)
        self._kept.write(data)
        self._length += len(data)

    def _forget(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._sender.has_room_for(-self._length)
        self._sent = self._length = 0

    def _let_go(self) -> None:
        self._is_gone = True
        self._forget()
        with suppress(OSError):
            if self._is_ending:
                super().close()
            else:
                super().shutdown(socket.SHUT_RDWR)  # the main loop sees it, and calls `close`


class Sender:
    """The one thread that waits for slow clients. It alone knows its selector."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._kept = 0
        self._lock = threading.Lock()
        self._new: SimpleQueue[Client] = SimpleQueue()
        self._waiting: dict[Client, tuple[int, int]] = {}  # for which event of which descriptor
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        threading.Thread(target=self._work, name="sender", daemon=True).start()

    def take_over(self, client: Client) -> None:
        self._new.put(client)
        with suppress(BlockingIOError):  # it rings already
            self._bell.send(b"!")

    def has_room_for(self, size: int) -> bool:
        """Count what is kept for all clients; less than nothing gives room back."""
        with self._lock:
            if size > 0 and self._kept + size > _MOST_KEPT:
                return False
            self._kept += size
            return True

    def finish(self, seconds: float) -> None:
        """Wait for those who still read, when the server is to stop."""
        until = monotonic() + seconds
        while (self._waiting or not self._new.empty()) and monotonic() < until:
            sleep(0.1)

    def _work(self) -> None:
        while True:
            for key, _ in self._selector.select(timeout=1.0):
                if key.fileobj is self._ear:
                    with suppress(BlockingIOError):
                        self._ear.recv(4096)
                else:
                    self._go_on(key.data)
            while not self._new.empty():
                self._go_on(self._new.get())
            for client in [one for one in self._waiting if one.give_up_at < monotonic()]:
                client.give_up()
                self._wait_for(client, 0)

    def _go_on(self, client: Client) -> None:
        self._wait_for(client, client.go_on())

    def _wait_for(self, client: Client, event: int) -> None:
        known, descriptor = self._waiting.get(client, (0, client.fileno()))
        if event == known:
            return
        if known:
            self._selector.unregister(descriptor)
            del self._waiting[client]
        if event:
            self._selector.register(descriptor, event, client)
            self._waiting[client] = event, descriptor


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn brings no types
    """gunicorn's, with connections that do not wait."""

    def init_process(self) -> None:
        self._sender = Sender(str(settings.DATA_DIR))
        super().init_process()

    def handle(self, conn: TConn) -> object:
        if not isinstance(conn.sock, Client):
            conn.sock = Client(conn.sock, self._sender)
        if not conn.initialized and not conn.wait_for_data(_FIRST_BYTE_SECONDS):
            return _DEFER
        conn.sock.expect_request()
        return super().handle(conn)

    def run(self) -> None:
        super().run()
        self._sender.finish(self.cfg.graceful_timeout)
