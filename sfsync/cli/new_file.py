"""Writes a file that a command was asked for, and never over another."""

from __future__ import annotations

from pathlib import Path


def write_new(path: Path, text: str) -> None:
    """Write a new file. Raises `UsageError` where there is one of this name, or it cannot be written."""
    from sfsync.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already", hint="choose another name, or take the file away") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", hint="check permissions") from None
