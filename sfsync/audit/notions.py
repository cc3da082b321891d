"""What an org means by its own words, as relations that a rule's SQL can read like tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.rule import Notion
from sfsync.config.definitions import Definitions, Evidence, Framework

_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "lead_status": {"status": "VARCHAR", "phase": "VARCHAR"},
    "lead_qualification": {"lead_id": "VARCHAR", "criterion": "VARCHAR", "met": "BOOLEAN"},
    "qualification_score": {
        "lead_id": "VARCHAR",
        "met": "INTEGER",
        "total": "INTEGER",
        "required": "INTEGER",
        "missing": "VARCHAR",
    },
}

#: Relation → its columns.
RELATIONS: Mapping[str, tuple[str, ...]] = {name: tuple(columns) for name, columns in _COLUMNS.items()}

#: Object a converted lead leads to → the lead's field that names it.
CONVERTED = {
    "Opportunity": "ConvertedOpportunityId",
    "Contact": "ConvertedContactId",
    "Account": "ConvertedAccountId",
}

_ALIASES = {"Lead": "l", "Opportunity": "o", "Contact": "c", "Account": "a"}


def serves(relation: str, notion: str) -> bool:
    """Whether the relation is made of what this notion binds."""
    return notion.startswith("lead_status.") if relation == "lead_status" else notion == "framework"


def is_bound(definitions: Definitions, notion: Notion) -> bool:
    """Whether sfsync.yml says what the org means by this."""
    if notion == "framework":
        return definitions.in_force is not None
    return bool(getattr(definitions.lead_status, notion.partition(".")[2]))


def how_to_bind(notion: Notion) -> str:
    """What to write into sfsync.yml."""
    if notion == "framework":
        return (
            "say in sfsync.yml which fields are evidence of which criterion, e.g. "
            "`definitions: {frameworks: {BANT: {min: 3, budget: [Budget_Confirmed__c], "
            "authority: [Is_Decision_Maker__c], need: [Pain__c], timeline: [Timeframe__c]}}}`"
        )
    phase = notion.partition(".")[2]
    return f"say in sfsync.yml which lead statuses mean {phase}: `definitions: {{lead_status: {{{phase}: [...]}}}}`"


def relation(name: str, context: AuditContext) -> exp.Query:
    """The query behind a relation; without rows where nothing is bound."""
    if name == "lead_status":
        return _lead_status(context.definitions)
    framework = context.definitions.in_force
    if framework is None:
        return _nothing(name)
    met = {criterion: _any(evidence, context) for criterion, evidence in framework.criteria.items()}
    columns_of_score = _score(met, framework)
    if name == "qualification_score":
        return _from_leads(exp.select(*columns_of_score), framework, context)
    return _criteria(met, framework, context)


def evidence_columns(piece: Evidence, context: AuditContext) -> Iterator[tuple[str, str]]:
    """Object and field where a piece of evidence is looked for.

    A custom field, or one that leads do not have, is also looked up on what the lead was converted to: people go on
    qualifying there, in fields that conversion copies.
    """
    if not context.columns:
        yield "Lead", piece.field  # no mirror to ask: shown as if leads had it
        return
    on_lead = context.column("Lead", piece.field)
    if on_lead is not None:
        yield "Lead", on_lead
    if on_lead is None or piece.field.casefold().endswith("__c"):
        for name, link in CONVERTED.items():
            column = context.column(name, piece.field)
            if column is not None and context.column("Lead", link) is not None:
                yield name, column


def _nothing(name: str) -> exp.Query:
    columns = [exp.cast(exp.null(), kind).as_(column) for column, kind in _COLUMNS[name].items()]
    return exp.select(*columns).where(exp.false())


def _lead_status(definitions: Definitions) -> exp.Query:
    phases = ("new", "working", "qualified", "disqualified")
    pairs = [(status, phase) for phase in phases for status in getattr(definitions.lead_status, phase)]
    if not pairs:
        return _nothing("lead_status")
    rows = [exp.select(_text(status).as_("status"), _text(phase).as_("phase")) for status, phase in pairs]
    query: exp.Query = rows[0]
    for row in rows[1:]:
        query = exp.union(query, row, distinct=False, copy=False)
    return query


def _score(met: Mapping[str, exp.Expr], framework: Framework) -> list[exp.Expr]:
    one, zero = exp.Literal.number(1), exp.Literal.number(0)
    counts: list[exp.Expr] = [_case(condition, one, zero) for condition in met.values()]
    names: list[exp.Expr] = [
        _case(condition, _text(""), _text(f", {criterion}")) for criterion, condition in met.items()
    ]
    count = reduce(lambda left, right: exp.Add(this=left, expression=right), counts)
    missing = reduce(lambda left, right: exp.DPipe(this=left, expression=right, safe=True), names)
    return [
        _field("Id", "l").as_("lead_id"),
        count.as_("met"),
        exp.Literal.number(len(met)).as_("total"),
        exp.Literal.number(framework.required).as_("required"),
        exp.Substring(this=missing, start=exp.Literal.number(3)).as_("missing"),
    ]


def _criteria(met: Mapping[str, exp.Expr], framework: Framework, context: AuditContext) -> exp.Query:
    rows = [
        _from_leads(
            exp.select(
                _field("Id", "l").as_("lead_id"),
                _text(criterion).as_("criterion"),
                _case(condition, exp.true(), exp.false()).as_("met"),
            ),
            framework,
            context,
        )
        for criterion, condition in met.items()
    ]
    query: exp.Query = rows[0]
    for row in rows[1:]:
        query = exp.union(query, row, distinct=False, copy=False)
    return query


def _from_leads(select: exp.Select, framework: Framework, context: AuditContext) -> exp.Select:
    """The columns, read from the leads and from whatever their evidence lies on."""
    select = select.from_(exp.to_table("sf.Lead").as_("l"))
    pieces = [piece for evidence in framework.criteria.values() for piece in evidence]
    used = {name for piece in pieces for name, _ in evidence_columns(piece, context)}
    for name, link in CONVERTED.items():
        if name in used:
            alias = _ALIASES[name]
            here = _field("Id", alias).eq(_field(link, "l"))
            select = select.join(exp.to_table(f"sf.{name}").as_(alias), on=here, join_type="left")
    return select


def _any(evidence: tuple[Evidence, ...], context: AuditContext) -> exp.Expr:
    tests = [test for piece in evidence for test in _tests(piece, context)]
    return exp.or_(*tests) if tests else exp.false()


def _tests(piece: Evidence, context: AuditContext) -> Iterator[exp.Expr]:
    for name, field in evidence_columns(piece, context):
        column = _field(field, _ALIASES[name])
        kind = context.kind(name, field)
        if piece.one_of is not None:
            yield exp.or_(*(_holds(column, value) for value in piece.one_of))
        elif piece.min is not None:
            yield exp.GTE(this=column, expression=exp.convert(piece.min))
        elif kind == "boolean":
            yield exp.Is(this=column, expression=exp.true())
        elif kind == "text":
            yield exp.not_(exp.Anonymous(this="is_blank", expressions=[column]))
        else:
            yield exp.not_(column.is_(exp.null()))


def _holds(column: exp.Column, value: str) -> exp.Expr:
    """The field has this value, or it is one of the values of a multi-select picklist; case does not matter."""
    semicolon = _text(";")
    listed = exp.DPipe(
        this=exp.DPipe(this=semicolon, expression=exp.Lower(this=column.copy()), safe=True),
        expression=semicolon.copy(),
        safe=True,
    )
    wanted = exp.Lower(this=_text(f";{value};"))
    return exp.GT(this=exp.StrPosition(this=listed, substr=wanted), expression=exp.Literal.number(0))


def _case(condition: exp.Expr, then: exp.Expr, otherwise: exp.Expr) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=then.copy())], default=otherwise.copy())


def _field(name: str, alias: str) -> exp.Column:
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(alias))


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)
