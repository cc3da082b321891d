"""Where a secret is to be found: settings name an environment variable or a file, never the secret itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from sfsync.config.model import Fault, faulty
from sfsync.errors import UsageError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MAX_SECRET = 65_536


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer to a value outside the file; shows where the value is, never the value.

    Attributes:
        kind: `env` or `file`.
        target: Name of the variable, or absolute path of the file.
    """

    kind: Literal["env", "file"]
    target: str

    def __str__(self) -> str:
        return f"${{{self.target}}}" if self.kind == "env" else f"file:{self.target}"

    def resolve(self, env: Mapping[str, str] | None = None) -> str:
        """The value, read now. Raises `UsageError` when the variable or file is missing or empty."""
        value = self._from_env(os.environ if env is None else env) if self.kind == "env" else self._from_file()
        if not value:
            raise UsageError(f"{self} is empty", hint=f"put the value there, or change `{self}` in sfsync.yml")
        return value

    def _from_env(self, env: Mapping[str, str]) -> str:
        if self.target not in env:
            raise UsageError(
                f"the environment variable {self.target} is not set",
                hint=f"set {self.target}, or change `{self}` in sfsync.yml",
            )
        return env[self.target]

    def _from_file(self) -> str:
        try:
            with Path(self.target).open(encoding="utf-8") as file:
                content = file.read(_MAX_SECRET + 1)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a UTF-8 text"
            raise UsageError(
                f"the secret file {self.target} cannot be read: {reason}", hint=f"see `{self}` in sfsync.yml"
            ) from None
        if len(content) > _MAX_SECRET:
            raise UsageError(f"the secret file {self.target} is too large to be a secret")
        return content.rstrip("\r\n")


def as_reference(text: str, root: Path | None = None) -> Reference | None:
    """`${NAME}` or `file:PATH` as a reference, anything else None; a relative path counts from `root`."""
    if match := _VARIABLE.fullmatch(text.strip()):
        return Reference("env", match[1])
    if text.startswith("file:") and text.removeprefix("file:").strip():
        path = Path(text.removeprefix("file:").strip()).expanduser()
        return Reference("file", str((root or Path.cwd()) / path))
    return None


def _secret(value: Any, info: ValidationInfo) -> Reference:
    if isinstance(value, Reference):
        return value
    found = as_reference(value, _root(info)) if isinstance(value, str) else None
    if found is None:
        name = info.field_name or "secret"
        hint = f"write `${{SF_{name.upper()}}}` to take it from the environment, or `file:PATH`"
        raise faulty(Fault(f"the value of `{name}` may not stand in the file itself", hint))
    return found


def _text_or_reference(value: Any, info: ValidationInfo) -> str | Reference:
    if isinstance(value, Reference):
        return value
    if not isinstance(value, str) or not value.strip():
        raise faulty(Fault("should be a text", "put it in quotes"))
    return as_reference(value, _root(info)) or value.strip()


def _root(info: ValidationInfo) -> Path | None:
    root = (info.context or {}).get("root")
    return root if isinstance(root, Path) else None


_AS_WRITTEN = PlainSerializer(str, return_type=str)
Secret = Annotated[
    Reference,
    PlainValidator(_secret),
    _AS_WRITTEN,
    WithJsonSchema({"type": "string", "pattern": r"^(\$\{\w+\}|file:.+)$"}),
]
TextOrReference = Annotated[
    str | Reference, PlainValidator(_text_or_reference), _AS_WRITTEN, WithJsonSchema({"type": "string"})
]
