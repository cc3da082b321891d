"""Which part of each object is mirrored: its fields, a SOQL filter, a day from which on records count."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from sfsync.config.document import Document, KeyPath
from sfsync.config.pull_settings import object_path
from sfsync.config.settings import Settings
from sfsync.errors import Problem, SoqlError
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql import Condition, parse_condition, render
from sfsync.soql.ast import DateLiteral, SemiJoin
from sfsync.soql.walk import named_in, paths_in, tests_in, values_in
from sfsync.store.merge import STAMP
from sfsync.store.selections import KeptSelection, born_since, described

if TYPE_CHECKING:
    from sfsync.mapping.schema import Mapping

#: What the mirror itself needs, of whichever of them an object has.
ALWAYS_KEPT = ("Id", "IsDeleted", STAMP, "MasterRecordId")

CREATED = "CreatedDate"

#: They are kept for each user who asks, and move when that user looks at a record, without a change of its stamp.
_PERSONAL = frozenset({"lastvieweddate", "lastreferenceddate"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where in `sfsync.yml` a selection stands, for problems that show only against the org."""

    document: Document
    path: KeyPath

    def value(self, key: str) -> Any:
        """What the file says under a key of the object's settings."""
        found: Any = self.document.data
        for step in (*self.path, key):
            if isinstance(found, list) and isinstance(step, int):
                found = found[step]
            else:
                found = found.get(step) if isinstance(found, dict) else None
        return found

    def problem(self, keys: KeyPath, message: str, hint: str | None) -> Problem:
        """A problem below the object's settings, or of its name."""
        return self.document.problem(*self.path, *keys, message=message, hint=hint, key=not keys)

    def problem_in_text(
        self, keys: KeyPath, row: int | None, column: int | None, told: tuple[str, str | None]
    ) -> Problem:
        """A problem at a row and column (1-based) of a text below the object's settings; `told`: message and hint."""
        line, at = self.document.place_in_text((*self.path, *keys), row, column)
        return Problem(self.document.name, line, at, *told)


@dataclass(frozen=True, slots=True)
class Selection:
    """What of one object is mirrored; all of it unless something is said.

    Attributes:
        fields: API names, or None for all; what the mirror and the mappings need is added. A compound field (an
            address, say) stands for its parts.
        filter: SOQL condition (what stands after WHERE) that records meet.
        since: Only records created on this day or later.
        history: Whether superseded versions are kept; None leaves it to the pull's options.
        exclude: Fields left out of all.
        formulas: Whether formula fields are refreshed on their own; None leaves it to the pull's options.
        timezone: In which the day of `since` begins.
        unstamped: What the filter depends on that changes without a change of the record's SystemModstamp; found out
            when the selection is held against the org.
        origin: Where it stands in a file, for messages.
    """

    fields: frozenset[str] | None = None
    filter: str | None = None
    since: date | None = None
    history: bool | None = None
    exclude: frozenset[str] = frozenset()
    formulas: bool | None = None
    timezone: str = "UTC"
    unstamped: tuple[str, ...] = ()
    origin: Origin | None = field(default=None, compare=False, repr=False)

    @property
    def condition(self) -> Condition | None:
        """The filter as a tree. Raises `SoqlError` when it cannot be read."""
        return None if self.filter is None else parse_condition(self.filter)

    @property
    def born(self) -> str:
        """The day alone, as SOQL; empty without one."""
        return born_since(self.since, self.timezone)

    @property
    def where(self) -> str:
        """Day and filter as SOQL, made from the tree: never the text as it was written."""
        condition = self.condition
        parts = [self.born, f"({render(condition)})" if condition is not None else ""]
        return " AND ".join(part for part in parts if part)

    @property
    def digest(self) -> str:
        """Differs where other records are chosen; empty for every record."""
        return hashlib.sha256(self.where.encode()).hexdigest()[:16] if self.where else ""

    @property
    def kept(self) -> KeptSelection:
        """What the ledger keeps of it."""
        fields = None if self.fields is None else tuple(sorted(self.fields))
        excluded = tuple(sorted(self.exclude))
        return KeptSelection(fields, self.filter, self.since, self.digest, excluded, self.timezone, self.where)

    def __str__(self) -> str:
        """Which records are mirrored, in words; empty for every record."""
        return described(self.filter, self.since, self.timezone)


EVERY_RECORD = Selection()


def selections_from(settings: Settings, document: Document | None = None) -> dict[str, Selection]:
    """The selections of a project: API name → selection, of every object that `pull.objects` names.

    Args:
        settings: Of the project.
        document: The file behind them, for places in messages.
    """
    return {
        name: Selection(
            fields=None if chosen.fields is None else frozenset(chosen.fields),
            filter=chosen.filter,
            since=chosen.since,
            history=chosen.history,
            exclude=frozenset(chosen.exclude),
            formulas=chosen.formulas,
            timezone=settings.timezone,
            origin=None if document is None else Origin(document, object_path(document, name)),
        )
        for name, chosen in (settings.pull.objects or {}).items()
    }


def selection_of(selections: AnyMapping[str, Selection], object_name: str) -> Selection:
    """The selection of an object, whatever the case its name is written in; everything where there is none."""
    if object_name in selections:
        return selections[object_name]
    folded = object_name.casefold()
    return next((found for name, found in selections.items() if name.casefold() == folded), EVERY_RECORD)


def narrow(describe: ObjectDescribe, selection: Selection, needed: frozenset[str] = frozenset()) -> ObjectDescribe:
    """The object with the selected fields alone, and those that are always kept.

    Args:
        describe: The object with everything that the org shows.
        selection: What is wanted of it.
        needed: Fields that mappings show, in lower case; kept as well.
    """
    if selection.fields is None and not selection.exclude:
        return describe
    always = {name.casefold() for name in ALWAYS_KEPT} | needed
    if selection.since is not None:
        always.add(CREATED.casefold())
    chosen = None if selection.fields is None else {name.casefold() for name in selection.fields}
    left_out = {name.casefold() for name in selection.exclude}
    kept = tuple(
        f
        for f in describe.fields
        if (names := _names(f)) & always or (not names & left_out and (chosen is None or names & chosen))
    )
    return replace(describe, fields=kept, left_out=tuple(f.name for f in describe.stored_fields if f not in kept))


def _names(described: FieldDescribe) -> set[str]:
    """By which names (in lower case) a field can be chosen: its own, and that of the compound field it is a part of."""
    return {name.casefold() for name in (described.name, described.compound_field) if name}


def fields_of_mappings(mappings: Sequence[Mapping]) -> dict[str, frozenset[str]]:
    """Object → fields (in lower case) that mappings cannot do without."""
    needed: dict[str, set[str]] = {}
    for mapping in mappings:
        own = needed.setdefault(mapping.object, set())
        own.update(mapping.fields, mapping.lookups)
        if mapping.external_id is not None:
            own.add(mapping.external_id)
        if mapping.filter is not None:
            with suppress(SoqlError):  # the check of mappings says so, and where
                own.update(path.names[0] for path in paths_in(parse_condition(mapping.filter)))
        for lookup in mapping.lookups.values():
            for parent in lookup.objects:
                needed.setdefault(parent, set()).add(lookup.field_of(parent))
    return {name: frozenset(each.casefold() for each in fields) for name, fields in needed.items()}


def unstamped_reasons(condition: Condition | None, describe: ObjectDescribe) -> tuple[str, ...]:
    """What in a filter can change which records meet it without any change of their SystemModstamp, in words."""
    reasons = []
    for test in tests_in(condition) if condition is not None else ():
        if isinstance(test, SemiJoin):
            reasons.append(f"the records of {test.query.source.path}")
        reasons.extend(render(value) for value in values_in(test) if isinstance(value, DateLiteral))
        for path in named_in(test.left):
            own = describe.field(path.names[0]) if len(path.names) == 1 else None
            if own is None or own.calculated or own.name.casefold() in _PERSONAL:
                reasons.append(str(path))
    return tuple(dict.fromkeys(reasons))
