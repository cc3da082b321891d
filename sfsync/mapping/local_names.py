"""Names on your side of a mapping: which ones a local table and its columns may have."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from sfsync.config.model import Fault, faulty
from sfsync.config.spelling import shown

DEFAULT_SCHEMA = "crm"
#: Column of every local table that holds the record's 18-character Id.
ID_COLUMN = "sf_id"
#: Schemas that are sfsync's own, or the database's.
RESERVED_SCHEMAS = frozenset(
    {
        "sf",
        "sf_all",
        "sf_history",
        "sfsync",
        "sfsync_base",
        "information_schema",
        "pg_catalog",
        "pg_toast",
        "system",
        "temp",
    }
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
#: What files have at the top of their columns, in any alphabet (many write vowels as marks, which are no letters) and
#: with any sign; a quote, a semicolon or a control character there is a mistake in reading them.
_HEADER = re.compile(r"[^\s\"'`;\\\x00-\x1f\x7f-\x9f][^\";\\\x00-\x1f\x7f-\x9f\u2028\u2029]{0,254}")
_BLANKS = re.compile(r"\s+")
#: Characters that nobody sees and no keyboard has: marks of direction and order, breaks without width, soft hyphens.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_RULE = "letters, digits and underscores, at most 63, not beginning with a digit"


@dataclass(frozen=True, slots=True)
class TableName:
    """Schema and name of a local table."""

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> TableName:
        """`crm.leads`, or `leads` in the default schema; `text` has passed validation."""
        schema, _, name = text.rpartition(".")
        return cls(schema or DEFAULT_SCHEMA, name)

    @property
    def key(self) -> tuple[str, str]:
        """What two spellings of one table have in common: databases ignore case."""
        return self.schema.casefold(), self.name.casefold()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def _check_table(text: str) -> str:
    parts = text.split(".")
    if len(parts) > 2 or not all(_IDENTIFIER.fullmatch(part) for part in parts):
        raise faulty(Fault(f"`{shown(text)}` is not a table name", f"`name` or `schema.name`: {_RULE}"))
    schema = TableName.parse(text).schema
    if schema.casefold() in RESERVED_SCHEMAS:
        raise faulty(Fault(f"the schema `{schema}` is reserved", f"use another, like `{DEFAULT_SCHEMA}.{parts[-1]}`"))
    return text


def check_column(text: str) -> str:
    """The text, when it may be the name of a column; raises a fault of the file otherwise."""
    if not _IDENTIFIER.fullmatch(text):
        raise faulty(Fault(f"`{shown(text)}` is not a column name", _RULE))
    return text


def is_column(text: str) -> bool:
    """Whether a local table may have a column of this name."""
    return _IDENTIFIER.fullmatch(text) is not None


def check_header(text: str) -> str:
    """The text, when it may name a column of a file, where people write what they like: `First Name (1)`."""
    return text if _HEADER.fullmatch(text) and not _INVISIBLE.search(text) else check_column(text)


def readable_header(name: str) -> str:
    """The name of a file's column as people read and type it: a line break in it is a blank, `é` one letter."""
    return _BLANKS.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", name))).strip()


LocalTable = Annotated[str, AfterValidator(_check_table)]
LocalColumn = Annotated[str, AfterValidator(check_column)]
