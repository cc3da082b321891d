"""What the file of a Bulk job holds: which changes of a step, so that limits are kept, and how they are written."""

from __future__ import annotations

from sfsync.store import Session
from sfsync.store.names import literal, quote
from sfsync.sync.apply.options import ApplyOptions
from sfsync.sync.apply.step_rows import StepRows, is_set_of, stretches
from sfsync.sync.apply.tables import Span

#: What empties a field in a Bulk file, so that the text itself can only be written by Collections.
EMPTIES = "#N/A"
#: The table of the changes of the next job: change_no.
BATCH = quote("apply batch")
#: Stretches are made for nine tenths of what a file takes: where records differ in length, one still does mostly.
_FULL = (9, 10)


def carriable(rows: StepRows) -> str:
    """SQL of whether a Bulk file can carry a change, and its results can name it."""
    named = f"{rows.correlation} IS NOT NULL"
    texts = [f"coalesce(s.{quote(name)} = {literal(EMPTIES)}, FALSE)" for name in rows.sent_fields]
    return f"({named} AND NOT ({' OR '.join(texts)}))" if texts else f"({named})"


def spans_of(session: Session, rows: StepRows, options: ApplyOptions) -> list[Span]:
    """Stretches of a step, each with about as many changes to be sent as a job takes; none when nothing is left.

    A job looks at its own stretch alone: would each look at the whole step, twice the changes took four times as long.
    """
    ready = f"FROM {rows.from_sql} WHERE {_ready(rows)}"
    first, last, count = session.execute(f"SELECT min(s.change_no), max(s.change_no), count(*) {ready}").rows[0]
    if not count:
        return []  # found out without a look at what the changes hold
    keys, size = session.execute(f"SELECT count(DISTINCT {rows.correlation}), sum({_length(rows)}) {ready}").rows[0]
    room = _room(rows, options)
    if count <= options.most_rows and size <= room:
        return [Span(first, last, fits=keys == count and _surely_fits(size, room))]
    fitting = int(count * room * _FULL[0] // (_FULL[1] * size))
    return stretches(session, rows, _ready(rows), max(1, min(options.most_rows, fitting)))


def choose(session: Session, rows: StepRows, options: ApplyOptions) -> int:
    """Make the table of the changes of the next job, as many as one may have, and of twins one; return their number."""
    source, room = f"FROM {rows.from_sql} WHERE {_ready(rows)}", _room(rows, options)
    session.execute(f"DROP TABLE IF EXISTS {BATCH}")
    fits, twins = (True, False) if rows.span and rows.span.fits else _look(session, rows, options, source)
    if fits and not twins:
        session.execute(f"CREATE TEMPORARY TABLE {BATCH} AS SELECT s.change_no AS change_no {source}")
    else:
        ready = f"SELECT s.change_no AS change_no, {_size(rows)} AS size {source}"
        if twins:
            first = f"SELECT min(s.change_no) {source} GROUP BY {rows.correlation}"
            ready = f"SELECT * FROM ({ready}) AS r WHERE change_no IN ({first})"
        session.execute(
            f"CREATE TEMPORARY TABLE {BATCH} AS SELECT change_no FROM (SELECT change_no, sum(size) OVER (ORDER BY"
            " change_no ROWS UNBOUNDED PRECEDING) AS upto, row_number() OVER (ORDER BY change_no) AS place"
            f" FROM ({ready}) AS r) AS x WHERE place = 1 OR (place <= {options.most_rows} AND upto <= {room})"
        )
    return int(session.execute(f"SELECT count(*) FROM {BATCH}").scalar())


def _look(session: Session, rows: StepRows, options: ApplyOptions, source: str) -> tuple[bool, bool]:
    """Whether all changes that are ready go into one file, and whether some of them have one key."""
    # To rank every change among its twins, or to count its quotes, takes longer than all the rest; there are hardly
    # ever twins, and a file mostly has room even if every character were a quote.
    count, keys, length = session.execute(
        f"SELECT count(*), count(DISTINCT {rows.correlation}), coalesce(sum({_length(rows)}), 0) {source}"
    ).rows[0]
    room = _room(rows, options)
    fits = count <= options.most_rows and (
        _surely_fits(length, room) or session.execute(f"SELECT sum({_size(rows)}) {source}").scalar() <= room
    )
    return fits, count != keys


def _surely_fits(length: int, room: int) -> bool:
    """Whether there is room even if every character were a quote."""
    return 2 * length <= room


def file_sql(rows: StepRows, batch: str) -> str:
    """SQL of what the file says of the changes of a batch (what stands after FROM)."""
    by = rows.key_field or "Id"
    columns = [f"{rows.correlation} AS {quote(by)}"]
    for name in rows.sent_fields:
        text = f"coalesce(nullif({rows.value(name)}, ''), {literal(EMPTIES)})"
        columns.append(f"CASE WHEN {is_set_of(name)} THEN {text} END AS {quote(name)}")
    return f"SELECT {', '.join(columns)} FROM {batch}"


def _ready(rows: StepRows) -> str:
    return f"{rows.pending} AND {carriable(rows)}"


def _columns(rows: StepRows) -> list[str]:
    return [rows.correlation, *(f"s.{quote(name)}" for name in rows.sent_fields)]


def _room(rows: StepRows, options: ApplyOptions) -> int:
    """Bytes that a file has for changes, below its header."""
    return options.most_bytes - sum(len(name) + 3 for name in rows.sent_fields) - 40


def _length(rows: StepRows) -> str:
    """SQL of a change's bytes in the file, at most and but for quotes: each value, quotes around it, and a comma."""
    return " + ".join(f"coalesce(strlen({sql}), {len(EMPTIES)}) + 3" for sql in _columns(rows))


def _size(rows: StepRows) -> str:
    """SQL of a change's bytes in the file: every quote is doubled there."""
    whole = f"concat_ws('', {', '.join(_columns(rows))})"
    return f"{_length(rows)} + strlen({whole}) - strlen(replace({whole}, '\"', ''))"
