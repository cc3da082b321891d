"""What a checkpoint of DuckDB writes over is kept beside the file until the checkpoint is complete.

A checkpoint writes its data where nothing is, and puts it in force with a new header. But a block of metadata in which
there is still room is written anew as a whole, over what the header in force refers to: a kill, or a power cut, in the
middle of that leaves a block whose checksum is wrong, and a file that no longer opens. With the old blocks put back the
file is what it was before the checkpoint, and DuckDB's log brings back what was committed since.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import duckdb

from sfsync.errors import StoreError
from sfsync.store.names import literal

#: DuckDB's storage format, version 64 and later: a main header, two database headers in turn, then blocks of one size.
HEADER_SIZE = 4096
FIRST_BLOCK = 3 * HEADER_SIZE
#: Where a database header has that size, after its checksum, iteration, metadata, free list and count of blocks.
_BLOCK_SIZE_AT = 5 * 8

#: What a file of kept blocks begins with; the digit is the version of its format.
_MAGIC = b"sfsync blocks 1\n"
_NUMBER = struct.Struct("<Q")


def kept_beside(path: Path) -> Path:
    """Where the blocks of a database file are kept."""
    return path.with_name(f"{path.name}.blocks")


class KeptBlocks:
    """The blocks that the next checkpoint of an open file may write over.

    Args:
        path: The database file; it is open to be written, and nobody else in this program has it open.
        database: What DuckDB calls it.
    """

    def __init__(self, path: Path, database: str) -> None:
        self._path, self._database, self._log = path, database, Path(f"{path}.wal")
        self._file: int | None = None
        self._headers = b""

    def keep(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep them, where that is not done yet: a commit may end in a checkpoint.

        Args:
            connection: To the instance that has the file open; in no transaction.

        Raises:
            StoreError: They cannot be kept: the disk may be full.
        """
        try:
            self._keep(connection)
        except OSError as error:
            raise StoreError(
                f"the database could not write its files: {kept_beside(self._path)}: {error.strerror}",
                hint="check free disk space and permissions; what was stored before is as it was",
            ) from error

    def keep_to_close(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """The same before DuckDB lets go of the file; where they cannot be kept, there will be no checkpoint.

        What is committed is in DuckDB's log then, and read from there.

        Returns:
            Whether they are kept, where that is needed.
        """
        if not os.path.lexists(self._log):
            return True  # there is nothing to write a checkpoint of
        try:
            self._keep(connection)
        except (OSError, duckdb.Error):
            connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            return False
        return True

    def _keep(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self._file is None:
            # Open until DuckDB has closed its own: with the first that is closed, a process gives up all its locks.
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        headers = os.pread(self._file, FIRST_BLOCK, 0)
        if headers == self._headers:
            return  # no checkpoint since they were kept
        rows = connection.execute(
            f"SELECT block_id FROM pragma_metadata_info({literal(self._database)}) WHERE free_blocks > 0"
        ).fetchall()
        size = _block_size(headers)
        places = [FIRST_BLOCK + block * size for (block,) in rows]
        _write(
            kept_beside(self._path),
            [headers, *(_NUMBER.pack(place) + os.pread(self._file, size, place) for place in places)],
        )
        self._headers = headers

    def let_go(self) -> None:
        """DuckDB has closed the file: without a log a checkpoint is complete, and nothing will be put back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._headers and not os.path.lexists(self._log):
            with suppress(OSError):
                kept_beside(self._path).unlink(missing_ok=True)
        self._headers = b""


def put_back(path: Path) -> None:
    """Before a file is opened: undo what a checkpoint that was cut off has written over.

    A file that another process has open is left alone, and so is one that may not be written. A kill in the middle of
    this changes nothing: the next opening does it again.

    Args:
        path: The database file, which nobody in this program has open.

    Raises:
        StoreError: The blocks could not be read or written.
    """
    kept = kept_beside(path)
    if not os.path.lexists(kept):
        return
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return  # no such file, or not ours to write: DuckDB says so in its own words
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as DuckDB locks it
        _put_back(file, kept)
        with suppress(OSError):
            kept.unlink()  # where that may not be done, it is put back again, or found to be old
    except (BlockingIOError, FileNotFoundError):
        return  # another process has the file open, or has put them back
    except OSError as error:
        raise StoreError(
            f"the mirror {path} was cut off in the middle of a checkpoint, and {kept.name} could not be put back: "
            f"{error.strerror}",
            hint="check the disk and the permissions of both files, then run this again; keep both until then",
        ) from error
    finally:
        os.close(file)


def _put_back(file: int, kept: Path) -> None:
    content = kept.read_bytes()
    body, checksum = content[len(_MAGIC) : -_NUMBER.size], content[-_NUMBER.size :]
    if not content.startswith(_MAGIC) or checksum != _NUMBER.pack(zlib.crc32(body)):
        return  # cut off while it was written: the checkpoint had not begun
    headers = body[:FIRST_BLOCK]
    if os.pread(file, FIRST_BLOCK, 0) != headers:
        return  # the checkpoint was complete
    size = _block_size(headers)
    for at in range(FIRST_BLOCK, len(body), _NUMBER.size + size):
        (place,) = _NUMBER.unpack_from(body, at)
        _write_whole(file, body[at + _NUMBER.size : at + _NUMBER.size + size], place)
    os.fsync(file)


def _write(kept: Path, parts: list[bytes]) -> None:
    """On the disk before the checkpoint is: a power cut must find one or the other whole."""
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    file = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        place = 0
        for part in (_MAGIC, *parts, _NUMBER.pack(checksum)):
            place = _write_whole(file, part, place)
        os.fsync(file)
    finally:
        os.close(file)


def _write_whole(file: int, data: bytes, place: int) -> int:
    """Write all of it there; returns where it ends."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, place)
        view, place = view[written:], place + written
    return place


def _block_size(headers: bytes) -> int:
    """Bytes of a block, which both database headers say."""
    (size,) = _NUMBER.unpack_from(headers, HEADER_SIZE + _BLOCK_SIZE_AT)
    return int(size)
