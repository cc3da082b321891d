"""The mappings of a pull: held against the org before it reads, and shown as local tables once it has."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence

from sfsync.errors import MappingError
from sfsync.mapping.check import check_mappings
from sfsync.mapping.local_tables import refresh_local_tables
from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe
from sfsync.soql.dates import Calendar
from sfsync.store import Session
from sfsync.sync.merge3.merge import merge_every


def checked(
    mappings: Sequence[Mapping], describes: dict[str, ObjectDescribe], available: dict[str, bool]
) -> list[Mapping]:
    """The mappings whose objects are mirrored, or about to be; a fault in any of them stops the pull before it reads.

    A pull of chosen objects leaves alone a mapping whose objects were never pulled.

    Raises:
        MappingError: A mapping names what the org does not have.
    """
    later = [m for m in mappings if any(name in available and name not in describes for name in m.objects)]
    now = [mapping for mapping in mappings if mapping not in later]
    problems = check_mappings(now, describes, object_names=tuple(available))
    if problems:
        raise MappingError(problems, hint="nothing was read from the org; correct the mapping and pull again")
    return now


def show(
    session: Session, mappings: Sequence[Mapping], describes: AnyMapping[str, ObjectDescribe], calendar: Calendar
) -> tuple[str, ...]:
    """Bring the local tables up to date, drop those that no mapping names any more, and return which there are.

    Args:
        session: A writing session.
        mappings: All that are wanted; one whose object could never be read has no table yet that it could show.
        describes: The objects that are mirrored.
        calendar: In which dates are read and shown.
    """
    showable = [mapping for mapping in mappings if all(name in describes for name in mapping.objects)]
    zone, first_month = calendar.timezone, calendar.fiscal_start_month
    made = refresh_local_tables(session, showable, describes, timezone=zone, fiscal_year_start_month=first_month)
    merge_every(session, showable, describes, calendar=calendar)
    return tuple(made)
