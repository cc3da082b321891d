"""A large answer read piece by piece: decompressed, never held whole, and known to be complete when it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Protocol

import requests
import urllib3

from sfsync.errors import IncompleteAnswer, SalesforceError
from sfsync.salesforce.addresses import host_of
from sfsync.salesforce.faults import not_the_api
from sfsync.salesforce.gunzip import Damaged, Gunzip
from sfsync.salesforce.transport import Stopped

#: Bytes asked of the connection at a time.
PIECE = 64 * 1024


class Download:
    """The body of one answer, to be read once.

    Attributes:
        headers: Of the answer; names in any case.
    """

    def __init__(self, response: requests.Response, stop: threading.Event | None = None) -> None:
        self._response = response
        self._stop = stop
        self.headers: Mapping[str, str] = response.headers

    def pieces(self, size: int = PIECE) -> Iterator[bytes]:
        """The body's bytes as the server meant them, about `size` wire bytes at a time.

        Raises:
            IncompleteAnswer: The body broke off, is longer or shorter than announced, or its compression is damaged.
                What was yielded before must be thrown away.
        """
        decoder = self._decoder()
        received = 0
        try:
            while piece := self._read(size):
                received += len(piece)
                yield from decoder.decode(piece)
            decoder.finish()
        except Damaged as damage:
            raise self._incomplete(str(damage)) from None
        announced = self.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced) != received:
            raise self._incomplete(f"{received} of {announced} bytes arrived")

    def expect(self, content_type: str) -> None:
        """Raise unless the answer is of this type: a proxy's page is a success too, as far as HTTP is concerned."""
        if content_type not in self.headers.get("Content-Type", content_type).lower():
            raise not_the_api(self._response, content_type)

    def _read(self, size: int) -> bytes:
        if self._stop is not None and self._stop.is_set():
            raise Stopped
        try:
            # Not through `requests`: it would give small decompressed bits, and hide whether all of them came.
            return bytes(self._response.raw.read(size, decode_content=False))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._incomplete("the connection broke off") from error

    def _decoder(self) -> _Decoder:
        coding = self.headers.get("Content-Encoding", "identity").strip().lower()
        if coding in {"gzip", "x-gzip"}:
            return Gunzip()
        if coding in {"", "identity"}:
            return _AsItIs()
        raise SalesforceError(
            f"{host_of(self._response.url)} compressed its answer in an unknown way: {coding[:20]!r}."
        )

    def _incomplete(self, why: str) -> IncompleteAnswer:
        return IncompleteAnswer(
            f"An answer of {host_of(self._response.url)} did not arrive whole: {why}.",
            hint="Try again; nothing of it was kept.",
        )


class _Decoder(Protocol):
    def decode(self, piece: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


class _AsItIs:
    def decode(self, piece: bytes) -> Iterator[bytes]:
        yield piece

    def finish(self) -> None:
        return
