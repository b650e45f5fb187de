"""The scripted portal's ears: a small HTTP server that hands each request to the desk and sends what it answers."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from jobs.conformance.seen import Away, Lost, Plain, Seen, call_of
from jobs.conformance.wire import Message, read_signature

if TYPE_CHECKING:
    from jobs.conformance.desk import Desk

LONGEST_BODY = 68 * 1024 * 1024


class Server(ThreadingHTTPServer):
    """Listens on a free port of this machine for as long as the `with` lasts."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "Server":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *about: object) -> None:
        self.desk.close()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An agent that was killed leaves broken connections: that is what it was killed for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    timeout = 60
    # A piece of an answer that waits for its acknowledgement costs 40 ms each time.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _serve(self) -> None:
        desk = self.server.desk
        headers = {name.lower(): value for name, value in self.headers.items()}
        call, where = call_of(self.command, self.path)
        length = int(headers.get("content-length") or 0)
        if length > LONGEST_BODY:
            self._hang_up()
            return
        most = desk.cut(call, where, length)
        body = self.rfile.read(length if most is None else most)
        signed, base, value = read_signature(Message(self.command, self.path, headers, body))
        seen = Seen(
            at=time.monotonic(), call=call, method=self.command, target=self.path, headers=headers, body=body,
            signed=signed, where=where,
        )  # fmt: skip
        if most is not None:
            desk.take_cut(seen)
            self._hang_up()
            return
        desk.judge(seen, base, value)
        answer = desk.answer(seen)
        if isinstance(answer, Away | Lost):
            self._hang_up()
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

    def _send(self, answer: Plain) -> None:
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, words in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, words)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
