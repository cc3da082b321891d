"""Which record each local row is: rows that were added, rows of merged records, rows whose record turns up."""

from __future__ import annotations

from datetime import datetime

from sfsync.mapping.local_names import ID_COLUMN
from sfsync.mapping.two_way import NEW, TwoWayColumn, TwoWayTable
from sfsync.store.columns import has_table
from sfsync.store.interface import Session
from sfsync.store.names import literal, quote, table
from sfsync.sync.merge3.tables import any_rows, remake

#: Rows whose `sf_id` another row has too: nobody can tell which of them is meant.
TWINS = "two_way_twins"
#: No set of merged records is larger: Salesforce merges three at a time, and chains are followed by the mirror.
_MOST_ROUNDS = 1000


def identify(session: Session, two_way: TwoWayTable, at: datetime) -> None:
    """Give every local row its place: `sf_id` holds an Id, or `new:…` for a row that the org does not have yet.

    Makes the temporary table `TWINS`.
    """
    _take_born(session, two_way)
    _widen_ids(session, two_way)
    _take_back(session, two_way)
    session.execute(
        f"UPDATE {two_way.local} SET {ID_COLUMN} = {literal(NEW)} || CAST(gen_random_uuid() AS VARCHAR) "
        f"WHERE {ID_COLUMN} IS NULL OR trim({ID_COLUMN}) = ''"
    )
    _follow_merges(session, two_way, at)
    _link_by_key(session, two_way)
    remake(
        session,
        TWINS,
        f"SELECT {ID_COLUMN} FROM {two_way.local} GROUP BY {ID_COLUMN} HAVING count(*) > 1",
    )
    _adopt(session, two_way)


def _take_born(session: Session, two_way: TwoWayTable) -> None:
    """A row that became a record, and was brought back from an older copy of the table, is that record."""
    born = f"sfsync.two_way_born AS n WHERE n.table_name = {literal(two_way.key)}"
    if any_rows(session, born):
        session.execute(
            f"UPDATE {two_way.local} AS l SET {ID_COLUMN} = n.record_id FROM {born} AND n.row_name = l.{ID_COLUMN}"
        )


def _widen_ids(session: Session, two_way: TwoWayTable) -> None:
    """An Id of 15 characters, as reports show it, is that of its record: in 18, like all others of the table."""
    short = f"length(l.{ID_COLUMN}) = 15"
    if any_rows(session, f"{two_way.local} AS l WHERE {short}"):
        session.execute(
            f'UPDATE {two_way.local} AS l SET {ID_COLUMN} = rec."Id" FROM {table("sf_all", two_way.mapping.object)} '
            f'AS rec WHERE {short} AND left(rec."Id", 15) = l.{ID_COLUMN}'
        )


def _take_back(session: Session, two_way: TwoWayTable) -> None:
    """A row that was to be made anew, and whose record was restored before that, is the row of that record again."""
    if any_rows(session, f"{two_way.local} AS l WHERE length(l.{ID_COLUMN}) > {len(NEW) + 36}"):
        session.execute(
            f'UPDATE {two_way.local} AS l SET {ID_COLUMN} = rec."Id" FROM {table("sf", two_way.mapping.object)} AS rec '
            f'WHERE l.{ID_COLUMN} LIKE {literal(NEW + "%")} AND substr(l.{ID_COLUMN}, {len(NEW) + 1}, 18) = rec."Id" '
            f'AND rec."Id" NOT IN (SELECT {ID_COLUMN} FROM {two_way.local} WHERE {ID_COLUMN} IS NOT NULL)'
        )


def _adopt(session: Session, two_way: TwoWayTable) -> None:
    """A row with the Id of a record that this table did not show so far: nothing is agreed on, so its base is empty."""
    session.execute(
        f"INSERT INTO {two_way.base} ({ID_COLUMN}) SELECT l.{ID_COLUMN} FROM {two_way.local} AS l "
        f'JOIN {table("sf", two_way.mapping.object)} AS rec ON rec."Id" = l.{ID_COLUMN} '
        f"WHERE NOT EXISTS (SELECT 1 FROM {two_way.base} AS b WHERE b.{ID_COLUMN} = l.{ID_COLUMN}) "
        f"AND NOT EXISTS (SELECT 1 FROM {TWINS} AS t WHERE t.{ID_COLUMN} = l.{ID_COLUMN})"
    )


def _link_by_key(session: Session, two_way: TwoWayTable) -> None:
    """A new row whose key a record has in the meantime is that record; both must be the only one with it.

    Where the record has a row already, there are two of it from then on, and a plan refuses both: what the new one
    holds has no base, so it would put old values over newer ones of the org.
    """
    key = key_column(two_way)
    new = f"l.{ID_COLUMN} LIKE {literal(NEW + '%')}"
    if key is None or not any_rows(session, f"{two_way.local} AS l WHERE {new}"):
        return
    here, there = (folded_key(two_way, key, f"{alias}.{quote(key.name)}") for alias in ("l", "t"))
    remake(
        session,
        "two_way_keys",
        f"SELECT {here} AS key, min(l.{ID_COLUMN}) AS row_name FROM {two_way.local} AS l "
        f"WHERE {new} AND {here} IS NOT NULL GROUP BY 1 HAVING count(*) = 1",
    )
    remake(
        session,
        "two_way_links",
        f"SELECT k.row_name, min(t.{ID_COLUMN}) AS record_id FROM ({two_way.theirs}) AS t "
        f"JOIN two_way_keys AS k ON k.key = {there} GROUP BY 1 HAVING count(*) = 1",
    )
    session.execute(
        f"INSERT INTO sfsync.two_way_born SELECT {literal(two_way.key)}, row_name, record_id FROM two_way_links"
    )
    session.execute(
        f"UPDATE {two_way.local} AS l SET {ID_COLUMN} = k.record_id FROM two_way_links AS k "
        f"WHERE k.row_name = l.{ID_COLUMN}"
    )


def folded_key(two_way: TwoWayTable, key: TwoWayColumn, sql: str) -> str:
    """SQL of a value of the key column in the form in which two are equal that the org takes for one."""
    field = two_way.describe.field(two_way.mapping.key_field or "")
    exact = field is None or field.case_sensitive or key.type != "VARCHAR"
    return key.form(sql) if exact else f"lower({key.form(sql)})"


def key_column(two_way: TwoWayTable) -> TwoWayColumn | None:
    """The column of the mapping's key, where both sides know it."""
    key = two_way.mapping.key_field
    found = [each for each in two_way.columns if each.field == key and each.shown]
    return found[0] if key is not None and len(found) == 1 else None


def _follow_merges(session: Session, two_way: TwoWayTable, at: datetime) -> None:
    """Rows of records that were merged in the org become, or join, the row of the record that is left."""
    if not has_table(session, "sfsync", "merged"):
        return
    losers = (
        f"SELECT m.loser_id, min(m.final_id) AS final_id FROM sfsync.merged AS m JOIN {two_way.base} AS b "
        f"ON b.{ID_COLUMN} = m.loser_id WHERE m.object = {literal(two_way.mapping.object)} AND m.final_id IS NOT NULL "
        "AND m.final_id <> m.loser_id GROUP BY m.loser_id"
    )
    for _round in range(_MOST_ROUNDS):
        # One of the losers of each master at a time: two that were edited in one field cannot both go on.
        remake(
            session,
            "two_way_losers",
            f"SELECT min(loser_id) AS loser_id, final_id FROM ({losers}) AS f GROUP BY final_id",
        )
        if not any_rows(session, "two_way_losers"):
            return
        _rekey(session, two_way)
        _join_master(session, two_way, at)


def _rekey(session: Session, two_way: TwoWayTable) -> None:
    """Where the table does not have the master yet, the row goes on as the master's."""
    remake(
        session,
        "two_way_rekeyed",
        f"SELECT loser_id, final_id FROM two_way_losers AS m WHERE NOT EXISTS (SELECT 1 FROM {two_way.base} AS b "
        f"WHERE b.{ID_COLUMN} = m.final_id) AND NOT EXISTS (SELECT 1 FROM {two_way.local} AS l "
        f"WHERE l.{ID_COLUMN} = m.final_id)",
    )
    for where in (two_way.local, two_way.base):
        session.execute(
            f"UPDATE {where} AS l SET {ID_COLUMN} = m.final_id FROM two_way_rekeyed AS m "
            f"WHERE m.loser_id = l.{ID_COLUMN}"
        )


def _join_master(session: Session, two_way: TwoWayTable, at: datetime) -> None:
    """Edits of the loser's row become the master's, with the base they were made on; what cannot is listed."""
    joined = (
        f"two_way_losers AS m JOIN {two_way.local} AS o ON o.{ID_COLUMN} = m.loser_id "
        f"JOIN {two_way.base} AS ob ON ob.{ID_COLUMN} = m.loser_id "
        f"LEFT JOIN {two_way.local} AS l ON l.{ID_COLUMN} = m.final_id "
        f"LEFT JOIN {two_way.base} AS b ON b.{ID_COLUMN} = m.final_id "
        "WHERE m.loser_id NOT IN (SELECT loser_id FROM two_way_rekeyed)"
    )
    for each in two_way.columns:
        name = quote(each.name)
        edited = each.differs(f"o.{name}", f"ob.{name}")
        free = f"l.{ID_COLUMN} IS NOT NULL AND NOT {each.differs(f'l.{name}', f'b.{name}')}"
        free = f"({free} AND b.{ID_COLUMN} IS NOT NULL)" if each.pushed else "FALSE"
        same = f"(l.{ID_COLUMN} IS NOT NULL AND NOT {each.differs(f'o.{name}', f'l.{name}')})"
        session.execute(
            "INSERT INTO sfsync.settled SELECT ?, ?, ?, m.final_id, ?, ?, 'merged in the org', "
            f"CAST(ob.{name} AS VARCHAR), CAST(o.{name} AS VARCHAR), CAST(l.{name} AS VARCHAR), 'org', "
            f"'merged', ?, NULL FROM {joined} AND {edited} AND NOT {free} AND NOT {same}",
            [two_way.key, two_way.mapping.object, two_way.mapping.file, each.name, each.field, at],
        )
        remake(
            session,
            "two_way_moving",
            f"SELECT m.final_id, o.{name} AS local_value, ob.{name} AS base_value "
            f"FROM {joined} AND {edited} AND {free}",
        )
        for where, value in ((two_way.local, "local_value"), (two_way.base, "base_value")):
            session.execute(
                f"UPDATE {where} AS l SET {name} = v.{value} FROM two_way_moving AS v WHERE v.final_id = l.{ID_COLUMN}"
            )
    for where in (two_way.local, two_way.base):
        session.execute(f"DELETE FROM {where} WHERE {ID_COLUMN} IN (SELECT loser_id FROM two_way_losers)")
