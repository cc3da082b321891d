"""A certificate authority for one run of the server: made on start, gone at the end."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

#: Every name under which clients look for Salesforce, and the machine's own.
HOSTS = (
    "localhost",
    "127.0.0.1",
    "::1",
    "login.salesforce.com",
    "test.salesforce.com",
    "*.salesforce.com",
    "*.my.salesforce.com",
    "*.sandbox.my.salesforce.com",
)


class Certificates:
    """A fresh authority, and a server certificate from it for all of `HOSTS`.

    The keys live in memory; Python's ssl module wants the server's in a file for the moment in which it reads it, which
    is private to this user and removed at once.
    """

    def __init__(self, *more_hosts: str) -> None:
        self._authority = trustme.CA(
            organization_name="sfsync fake org", organization_unit_name="for tests only, trust it nowhere else"
        )
        self._leaf = self._authority.issue_cert(*HOSTS, *(host for host in more_hosts if host not in HOSTS))

    def server_context(self) -> ssl.SSLContext:
        """What a TLS server needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._leaf.configure_cert(context)
        return context

    def write_authority(self, path: Path) -> None:
        """Write the authority's certificate, for clients to trust (`REQUESTS_CA_BUNDLE`, `NODE_EXTRA_CA_CERTS`)."""
        self._authority.cert_pem.write_to_path(str(path))
