"""What records were before: superseded versions in schema `sf_history`, each with the time it was the mirror's truth.

A version is valid from the upper bound of the pull that brought it (NULL: from the first) until the upper bound of the
pull that brought the next. A record that appears later leaves a row saying that it did not exist until then, so that
the mirror as of an earlier pull is exactly what that pull left.
"""

from __future__ import annotations

from datetime import datetime

from sfsync.store.columns import table_columns
from sfsync.store.compounds import compound_columns, remembered
from sfsync.store.interface import Session
from sfsync.store.names import quote, table

SCHEMA = "sf_history"

#: Columns beside the record's own; in lower case, which no API name is.
_SPAN = {"valid_from": "TIMESTAMP", "valid_to": "TIMESTAMP", "existed": "BOOLEAN"}


def shape_history(session: Session, object_name: str, columns: dict[str, str]) -> bool:
    """Bring an object's history table into the shape of its mirror table; nothing is ever dropped.

    A column whose type changes becomes text, which holds the values of either type.

    Returns:
        Whether there was a history already: only then can a record be new to it.
    """
    name = table(SCHEMA, object_name)
    present = _columns(session, object_name)
    if not present:
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
        declared = ", ".join(f"{quote(column)} {kind}" for column, kind in (columns | _SPAN).items())
        session.execute(f"CREATE TABLE {name} ({declared})")
        return False
    for column, kind in columns.items():
        if column not in present:
            session.execute(f"ALTER TABLE {name} ADD COLUMN {quote(column)} {kind}")
        elif present[column] not in {kind, "VARCHAR"}:
            session.execute(f"ALTER TABLE {name} ALTER COLUMN {quote(column)} TYPE VARCHAR")
    return True


def keep_versions(session: Session, object_name: str, ids: str, at: datetime, *, source: str | None = None) -> None:
    """Keep the stored version of records that are about to be replaced or removed.

    One pull keeps one version of a record, the first: what it replaces after that was nobody's truth at any time.

    Args:
        session: A writing session, before the records change.
        object_name: The object; its history table is in shape.
        ids: A SELECT of the Ids concerned.
        at: The upper bound of the pull that replaces them.
        source: A table with these records as they are stored, where reading the mirror's own would take longer.
    """
    history, kinds = table(SCHEMA, object_name), _columns(session, object_name)
    stored = [name for name in _columns(session, object_name, "sf_all") if name in kinds]
    names = ", ".join(quote(name) for name in [*stored, *_SPAN])
    # A column of the history may have become text since; CAST brings the value into whatever it is now.
    values = ", ".join(f"CAST(t.{quote(name)} AS {kinds[name]})" for name in stored)
    session.execute(
        f"INSERT INTO {history} ({names}) SELECT {values}, {_since(history)}, CAST(? AS TIMESTAMP), TRUE "
        f'FROM {source or table("sf_all", object_name)} AS t WHERE t."Id" IN ({ids}) '
        f'AND NOT EXISTS (SELECT 1 FROM {history} AS k WHERE k."Id" = t."Id" AND k.valid_to = CAST(? AS TIMESTAMP))',
        [at, at],
    )


def note_births(session: Session, object_name: str, ids: str, at: datetime) -> None:
    """Keep that these records did not exist before this pull, as far as the mirror knew."""
    history = table(SCHEMA, object_name)
    session.execute(
        f'INSERT INTO {history} ("Id", valid_from, valid_to, existed) '
        f'SELECT t."Id", {_since(history)}, CAST(? AS TIMESTAMP), FALSE FROM ({ids}) AS t',
        [at],
    )


def _since(history: str) -> str:
    """When the version that ends now began: where the one before it ended."""
    return f'(SELECT max(h.valid_to) FROM {history} AS h WHERE h."Id" = t."Id")'


def has_history(session: Session, object_name: str) -> bool:
    """Whether superseded versions of this object are kept."""
    return bool(_columns(session, object_name))


def relation_as_of(session: Session, object_name: str, instant: str, *, live: bool) -> str:
    """A SELECT of an object's records as the mirror had them at an instant.

    Args:
        session: Any session.
        object_name: A mirrored object.
        instant: An SQL expression.
        live: Without the deleted ones, as `sf` shows them.
    """
    columns = _columns(session, object_name, "sf_all")
    mirror, history = table("sf_all", object_name), table(SCHEMA, object_name)
    names = ", ".join(quote(name) for name in columns)
    kept = _columns(session, object_name)
    if kept:
        old = ", ".join(_as_it_was(name, kind, kept.get(name)) for name, kind in columns.items())
        records = (
            f"SELECT {old} FROM {history} WHERE existed AND valid_to > {instant} "
            f"AND (valid_from IS NULL OR valid_from <= {instant}) "
            f"UNION ALL SELECT {names} FROM {mirror} AS t "
            f'WHERE NOT EXISTS (SELECT 1 FROM {history} AS h WHERE h."Id" = t."Id" AND h.valid_to > {instant})'
        )
    else:
        records = f"SELECT {names} FROM {mirror}"
    condition = ' WHERE "IsDeleted" IS NOT TRUE' if live and "IsDeleted" in columns else ""
    wholes = compound_columns(remembered(session).get(object_name, {}), columns) if live else {}
    shown = ", ".join([names, *(f"{expression} AS {quote(whole)}" for whole, expression in wholes.items())])
    return f"SELECT {shown} FROM ({records}) AS records{condition}"


def _as_it_was(name: str, kind: str, kept: str | None) -> str:
    """A column of the history, of the type it has in the mirror now."""
    if kept is None:  # it came while no history was kept
        return f"CAST(NULL AS {kind}) AS {quote(name)}"
    # TRY_CAST: a column that became text may hold values that its newest type has no room for.
    return quote(name) if kept == kind else f"TRY_CAST({quote(name)} AS {kind}) AS {quote(name)}"


def _columns(session: Session, object_name: str, schema: str = SCHEMA) -> dict[str, str]:
    return table_columns(session, schema, object_name)
