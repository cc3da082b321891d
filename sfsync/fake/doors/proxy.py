"""A CONNECT proxy that leads to the fake org whatever Salesforce host it is asked for.

With `HTTPS_PROXY` set to it, clients that insist on `login.salesforce.com` or `*.my.salesforce.com` run unmodified.
"""

from __future__ import annotations

import re
from typing import Any

from sfsync.fake.doors.server import TlsServer

_LONGEST_HEAD = 16 * 1024
_SALESFORCE = re.compile(r"(.+\.)?salesforce\.com|localhost|127\.0\.0\.1", re.IGNORECASE)


class ProxyServer(TlsServer):
    """Answers CONNECT in plain text, then goes on as the org's TLS server on the same connection."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Read the CONNECT, agree to it, and serve."""
        request.settimeout(10)
        try:
            head = _read_head(request)
        except OSError:
            return
        method, _, rest = head.partition(" ")
        host = rest.split(" ")[0].rpartition(":")[0]
        if method != "CONNECT":
            request.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\n\r\n")
        elif not _SALESFORCE.fullmatch(host):
            request.sendall(b"HTTP/1.1 502 Only Salesforce hosts lead anywhere here\r\nContent-Length: 0\r\n\r\n")
        else:
            request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            super().finish_request(request, client_address)


def _read_head(connection: Any) -> str:
    """The request line and headers; the client sends nothing more until it is answered."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece or len(data) > _LONGEST_HEAD:
            raise ConnectionResetError("no request")
        data += piece
    return data.decode("latin-1")
