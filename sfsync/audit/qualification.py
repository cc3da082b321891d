"""Which criteria each lead meets: by today's values, and by those of its conversion as far as the org still tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlglot import exp, parse_one

from sfsync.audit.context import AuditContext
from sfsync.audit.evidence import CONVERTED, evidence_columns, is_such_an_activity, showed, shows
from sfsync.audit.portable import DIALECT
from sfsync.config.definitions_frameworks import Evidence

#: Object → its field history, and the lookup there.
FIELD_HISTORIES = {
    "Lead": ("LeadHistory", "LeadId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
    "Contact": ("ContactHistory", "ContactId"),
    "Account": ("AccountHistory", "AccountId"),
}

#: Object → the column of `judged` with the record's Id.
_LINKS = {"Lead": "lead_id", "Opportunity": "opportunity_id", "Contact": "contact_id", "Account": "account_id"}

_AT_CONVERSION = """
SELECT c.lead_id, c.opportunity_id, c.contact_id, c.account_id,
    LEAST({as_of}, c.converted_at + INTERVAL '{grace} seconds'
        + CASE WHEN c.precision = 'day' THEN INTERVAL '1 day' ELSE INTERVAL '0 days' END) AS judged_at
FROM conversions AS c
WHERE c.converted_at <= {as_of}
"""

#: The last version of a record not changed after the moment; where there is none, the first that is known.
_VERSION = """
SELECT r.lead_id, {names}, r.is_sure FROM (
    SELECT j.lead_id AS lead_id, {picked}, COALESCE(v.modified_at <= j.judged_at, FALSE) AS is_sure,
        ROW_NUMBER() OVER (PARTITION BY j.lead_id ORDER BY
            CASE WHEN v.modified_at <= j.judged_at THEN v.modified_at END DESC NULLS LAST, v.modified_at NULLS LAST
        ) AS place
    FROM judged AS j
    JOIN (
        SELECT {own}, {modified} AS modified_at FROM sf_history.{object} AS h WHERE h.existed
        UNION ALL SELECT {own}, {modified} AS modified_at FROM sf_all.{object} AS h
    ) AS v ON v.record_id = j.{link}
) AS r
WHERE r.place = 1
"""

_PRESENT_VERSION = """
SELECT j.lead_id AS lead_id, {picked}, COALESCE(v.modified_at <= j.judged_at, FALSE) AS is_sure
FROM judged AS j
JOIN (SELECT {own}, {modified} AS modified_at FROM sf_all.{object} AS h) AS v ON v.record_id = j.{link}
"""

#: What a tracked field held until it was changed for the first time after the moment.
_NEXT_CHANGE = """
SELECT n.lead_id, n.old_value FROM (
    SELECT j.lead_id AS lead_id, h."OldValue" AS old_value,
        ROW_NUMBER() OVER (PARTITION BY j.lead_id ORDER BY h."CreatedDate", h."Id") AS place
    FROM judged AS j
    JOIN sf.{history} AS h ON h.{lookup} = j.{link} AND h."CreatedDate" > j.judged_at
    WHERE h."Field" = {field}
) AS n
WHERE n.place = 1
"""

_TRACKED_SINCE = 'SELECT MIN(h."CreatedDate") AS since FROM sf.{history} AS h WHERE h."Field" = {field}'


@dataclass(frozen=True, slots=True)
class _Place:
    """A field in which evidence is looked for, and its name in the query."""

    object: str
    column: str
    kind: str
    name: str


@dataclass(slots=True)
class Qualification:
    """Composes the query of `qualification_marks`.

    Attributes:
        context: Of the audit.
        criteria: Name → evidence; the mark of each criterion is `1` or `0`, in this order.
        grace: Added to the moment of conversion.
    """

    context: AuditContext
    criteria: Mapping[str, tuple[Evidence, ...]]
    grace: timedelta
    places: dict[tuple[str, str], _Place] = field(default_factory=dict)
    activities: list[Evidence] = field(default_factory=list)
    roles: list[Evidence] = field(default_factory=list)

    def __post_init__(self) -> None:
        for pieces in self.criteria.values():
            for piece in pieces:
                if piece.activity is not None and piece not in self.activities:
                    self.activities.append(piece)
                elif piece.contact_role is not None and piece not in self.roles and self._has_roles():
                    self.roles.append(piece)
                for key in evidence_columns(piece, self.context):
                    kind = self.context.kind(*key) if self.context.columns else "text"
                    self.places.setdefault(key, _Place(*key, kind, f"f{len(self.places)}"))

    def query(self) -> exp.Query:
        """The whole query."""
        as_of = self._as_of()
        parts = {"judged": _AT_CONVERSION.format(as_of=as_of, grace=int(self.grace.total_seconds()))}
        for i, piece in enumerate(self.activities):
            parts[f"a{i}"] = self._activity(piece)
        for i, piece in enumerate(self.roles):
            parts[f"r{i}"] = self._role(piece)
        parts |= dict(self._versions())
        ctes = ", ".join(f"{name} AS ({text})" for name, text in parts.items())
        text = f"WITH {ctes} {self._now(as_of)} UNION ALL {self._then()}"
        query = parse_one(text, dialect=DIALECT)
        assert isinstance(query, exp.Query)  # noqa: S101 - a SELECT as written above
        return query

    def _as_of(self) -> str:
        if self.context.as_of is None:
            return "$as_of"
        return f"TIMESTAMP {_text(self.context.as_of.isoformat(sep=' '))}"

    def _has_roles(self) -> bool:
        held = ("OpportunityId", "Role", "CreatedDate")
        return not self.context.columns or all(self.context.column("OpportunityContactRole", name) for name in held)

    def _activity(self, piece: Evidence) -> str:
        assert piece.activity is not None  # noqa: S101 - it is one of these
        moment = "a.happened_at" if piece.activity.done else "a.created_at"
        condition = is_such_an_activity(piece.activity, "a").sql(dialect=DIALECT)
        return f"SELECT a.lead_id, MIN({moment}) AS first_at FROM activities AS a WHERE {condition} GROUP BY a.lead_id"

    def _role(self, piece: Evidence) -> str:
        roles = ", ".join(_text(role.lower()) for role in piece.contact_role or ())
        return (
            'SELECT p."OpportunityId" AS opportunity_id, MIN(p."CreatedDate") AS first_at '
            f'FROM sf."OpportunityContactRole" AS p WHERE LOWER(p."Role") IN ({roles}) GROUP BY p."OpportunityId"'
        )

    def _versions(self) -> Iterator[tuple[str, str]]:
        """The records as they were at the conversion, and the next change of each tracked field."""
        for name in dict.fromkeys(place.object for place in self.places.values()):
            places = self._places_on(name)
            modified = self.context.column(name, "LastModifiedDate")
            values = {
                "object": _name(name),
                "link": _LINKS[name],
                "own": ", ".join(['h."Id" AS record_id', *(f"h.{_name(p.column)} AS {p.name}" for p in places)]),
                "picked": ", ".join(f"v.{place.name} AS {place.name}" for place in places),
                "names": ", ".join(f"r.{place.name}" for place in places),
                "modified": f"h.{_name(modified)}" if modified else "CAST(NULL AS TIMESTAMP)",
            }
            kept = name in self.context.history and modified
            yield f"then_{name.lower()}", (_VERSION if kept else _PRESENT_VERSION).format(**values)
            for place in places:
                tracked = self._history_of(place)
                if tracked is not None:
                    yield f"next_{place.name}", _NEXT_CHANGE.format(**tracked)
                    yield f"since_{place.name}", _TRACKED_SINCE.format(**tracked)

    def _places_on(self, name: str) -> list[_Place]:
        return [place for place in self.places.values() if place.object == name]

    def _history_of(self, place: _Place) -> dict[str, str] | None:
        history, lookup = FIELD_HISTORIES[place.object]
        needed = ("Id", lookup, "Field", "OldValue", "CreatedDate")
        if not all(self.context.column(history, each) for each in needed):
            return None
        return {
            "history": _name(self.context.object(history) or history),
            "lookup": _name(lookup),
            "link": _LINKS[place.object],
            "field": _text(place.column),
        }

    def _now(self, as_of: str) -> str:
        joins = [f'LEFT JOIN a{i} ON a{i}.lead_id = l."Id"' for i in range(len(self.activities))]
        joins += [f'LEFT JOIN r{i} ON r{i}.opportunity_id = l."ConvertedOpportunityId"' for i in range(len(self.roles))]
        for name, link in CONVERTED.items():
            if self._places_on(name):
                joins.append(f'LEFT JOIN sf.{_name(name)} AS {name.lower()}_ ON {name.lower()}_."Id" = l.{_name(link)}')
        marks = self._marks(self._shown_now)
        return (
            f"SELECT l.\"Id\" AS lead_id, 'now' AS as_of, {as_of} AS judged_at, TRUE AS is_sure, {marks} AS marks "
            f'FROM sf."Lead" AS l {" ".join(joins)}'
        )

    def _shown_now(self, piece: Evidence) -> Iterator[exp.Expr]:
        if piece in self.activities:
            yield _column(f"a{self.activities.index(piece)}", "first_at").is_(exp.null()).not_()
        if piece in self.roles:
            yield _column(f"r{self.roles.index(piece)}", "first_at").is_(exp.null()).not_()
        for key in evidence_columns(piece, self.context):
            place = self.places[key]
            alias = "l" if place.object == "Lead" else f"{place.object.lower()}_"
            yield shows(piece, _field(alias, place.column), place.kind)

    def _then(self) -> str:
        joins = [f"LEFT JOIN a{i} ON a{i}.lead_id = j.lead_id" for i in range(len(self.activities))]
        joins += [f"LEFT JOIN r{i} ON r{i}.opportunity_id = j.opportunity_id" for i in range(len(self.roles))]
        sure = ["TRUE"]
        for name in dict.fromkeys(place.object for place in self.places.values()):
            version = f"then_{name.lower()}"
            joins.append(f"LEFT JOIN {version} ON {version}.lead_id = j.lead_id")
            for place in self._places_on(name):
                known = f"{version}.lead_id IS NULL OR {version}.is_sure"
                if self._history_of(place) is not None:
                    joins.append(f"LEFT JOIN next_{place.name} ON next_{place.name}.lead_id = j.lead_id")
                    joins.append(f"CROSS JOIN since_{place.name}")
                    known += f" OR next_{place.name}.lead_id IS NOT NULL"
                    known += f" OR COALESCE(since_{place.name}.since <= j.judged_at, FALSE)"
                sure.append(f"({known})")
        marks = self._marks(self._shown_then)
        return (
            f"SELECT j.lead_id AS lead_id, 'conversion' AS as_of, j.judged_at AS judged_at, {' AND '.join(sure)} "
            f"AS is_sure, {marks} AS marks FROM judged AS j {' '.join(joins)}"
        )

    def _shown_then(self, piece: Evidence) -> Iterator[exp.Expr]:
        moment = _column("j", "judged_at")
        if piece in self.activities:
            yield exp.LTE(this=_column(f"a{self.activities.index(piece)}", "first_at"), expression=moment.copy())
        if piece in self.roles:
            yield exp.LTE(this=_column(f"r{self.roles.index(piece)}", "first_at"), expression=moment.copy())
        for key in evidence_columns(piece, self.context):
            place = self.places[key]
            version = f"then_{place.object.lower()}"
            by_version = shows(piece, _column(version, place.name), place.kind)
            if self._history_of(place) is None:
                yield by_version
                continue
            changed = _column(f"next_{place.name}", "lead_id").is_(exp.null()).not_()
            unsure = exp.not_(exp.Coalesce(this=_column(version, "is_sure"), expressions=[exp.false()]))
            by_history = showed(piece, _column(f"next_{place.name}", "old_value"), place.kind)
            yield exp.Case(ifs=[exp.If(this=exp.and_(unsure, changed), true=by_history)], default=by_version)

    def _marks(self, tests: Callable[[Evidence], Iterator[exp.Expr]]) -> str:
        marks = []
        for pieces in self.criteria.values():
            conditions = [test for piece in pieces for test in tests(piece)]
            condition = exp.or_(*conditions) if conditions else exp.false()
            marks.append(f"CASE WHEN {condition.sql(dialect=DIALECT)} THEN '1' ELSE '0' END")
        return " || ".join(marks)


def _column(table: str, name: str) -> exp.Column:
    return exp.column(name, table=table)


def _field(alias: str, name: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(alias))


def _name(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect=DIALECT)


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect=DIALECT)
