"""The door for every language: the fake org over TLS on the loopback interface."""

from __future__ import annotations

import shutil
import socket
import socketserver
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from sfsync.errors import UsageError
from sfsync.fake.app import App
from sfsync.fake.doors.certificates import Certificates
from sfsync.fake.doors.http_handler import HttpHandler

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

_HANDSHAKE_SECONDS = 10
_GOODBYE_SECONDS = 5


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: Its address, for `instance_url`.
        ca_file: Certificate of the authority that clients have to trust.
        token: An access token that is accepted.
        port: Where it listens.
        proxy_url: Address of the proxy for clients with hard-coded hosts, or None.
    """

    url: str
    ca_file: Path
    token: str
    port: int
    proxy_url: str | None = None


class TlsServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One thread a connection; the handshake happens in that thread, so that a silent client holds up nobody."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App, context: ssl.SSLContext) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._context = context
        self._lock = Lock()
        self._live: dict[socket.socket, Thread | None] = {}
        self.closing = Event()
        self._handler = type("Handler", (HttpHandler,), {"app": app, "closing": self.closing})
        super().__init__(address, self._handler)
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begin to answer, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and end the connections there are."""
        self.closing.set()
        with suppress(OSError):  # where a listening socket cannot be shut, the loop looks up by itself
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes it at once
        self.shutdown()
        self.server_close()
        self._thread.join(_GOODBYE_SECONDS)
        with self._lock:
            live = dict(self._live)
        for connection in live:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster
        for thread in live.values():
            if thread is not None:
                thread.join(_GOODBYE_SECONDS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread of its own, which `stop` can wait for."""
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._live[request] = thread
        thread.start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, and serve the connection until it ends."""
        request.settimeout(_HANDSHAKE_SECONDS)
        try:
            connection = self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        except (OSError, ValueError):
            return
        with self._lock:
            self._live[connection] = self._live.pop(request, None)
        try:
            connection.do_handshake()
            self._handler(connection, client_address, self)
        except (OSError, ValueError):
            pass  # not TLS, a certificate that is not trusted, or gone: ordinary here
        finally:
            with self._lock:
                self._live.pop(connection, None)
            connection.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that break off are ordinary here."""


@contextmanager
def serve(
    org: FakeOrg,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ca_file: Path | None = None,
    proxy: bool = False,
    proxy_port: int = 0,
) -> Iterator[Server]:
    """Serve an org while the context lasts.

    Args:
        org: The org.
        host: Address to listen on; anything but loopback shows the org to the network.
        port: 0 picks a free one.
        ca_file: Where to write the authority's certificate; a temporary file when None.
        proxy: Whether to open the CONNECT proxy too.
        proxy_port: Where; 0 picks a free one.

    Raises:
        UsageError: The address cannot be had.
    """
    from sfsync.fake.doors.proxy import ProxyServer  # noqa: PLC0415 - it builds on this module

    named = [] if host in {"0.0.0.0", "::"} else [host]  # noqa: S104 - compared, not bound
    certificates = Certificates(*named, org.settings.domain)
    context = certificates.server_context()
    with ExitStack() as stack:
        server = _listening(TlsServer, (host, port), org.app, context)
        stack.callback(server.stop)
        server.start()
        proxy_url = None
        if proxy:
            way = _listening(ProxyServer, (host, proxy_port), org.app, context)
            stack.callback(way.stop)
            way.start()
            proxy_url = f"http://127.0.0.1:{way.port}"
        ca_file = ca_file or _temporary_file(stack)
        _write(certificates, ca_file)
        yield Server(f"https://localhost:{server.port}", ca_file, org.token, server.port, proxy_url)


def _listening(kind: type[TlsServer], address: tuple[str, int], app: App, context: ssl.SSLContext) -> TlsServer:
    try:
        return kind(address, app, context)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen on {address[0]}:{address[1]}: {reason}", hint="choose another --port; 0 picks a free one"
        ) from error


def _temporary_file(stack: ExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="sfsync-fake-ca-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder / "ca.pem"


def _write(certificates: Certificates, path: Path) -> None:
    try:
        certificates.write_authority(path)
    except OSError as error:
        raise UsageError(f"cannot write the certificate to {path}: {error.strerror}", hint="see --ca-file") from error
