"""A file that appears under its name only when it is complete: readers meet the old one or the whole new one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def whole_file(
    path: Path, *, binary: bool = False, errors: str = "strict", newline: str = "\n", mode: int = 0o600
) -> Iterator[IO[Any]]:
    """Write a file beside its name, and put it there at the end of the block; after an error nothing of it is left.

    Args:
        path: In a folder that exists.
        binary: For bytes; otherwise for text, in UTF-8.
        errors: What becomes of characters that UTF-8 cannot write.
        newline: What a line ends with.
        mode: Who may read it; by default its owner alone, for most files hold people's data.

    Raises:
        OSError: It cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        text = {} if binary else {"encoding": "utf-8", "errors": errors, "newline": newline}
        with os.fdopen(handle, "wb" if binary else "w", **text) as file:  # type: ignore[call-overload]
            yield file
        draft.chmod(mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
