"""From what a value is to what a field of the org holds, and what the org would refuse of it."""

from __future__ import annotations

from sfsync.mapping.transforms import booleans, dates, ids, instants, numbers
from sfsync.mapping.transforms.as_text import text_stages
from sfsync.mapping.transforms.stage import Kind, Stage, Telling, checked, fallible, matches, plain, texts
from sfsync.records import FieldDescribe
from sfsync.store.names import literal

_NUMBERS = frozenset({"double", "currency", "percent"})
_INTEGERS = frozenset({"int", "long"})
_BITS = {"int": 31, "long": 63}
_SQL_TYPES = {
    Kind.NUMBER: "DOUBLE",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.DATETIME: "TIMESTAMP",
    Kind.TIME: "TIME",
}
_IDS = frozenset({"id", "reference"})
#: As many as Salesforce prints before a fraction when a describe does not say.
_MOST_DIGITS = 18


def typed_stages(kind: Kind, described: FieldDescribe, telling: Telling) -> tuple[Stage, ...]:
    """The stages that give a value the type of its column in the mirror; what does not fit is refused."""
    of_type = {
        **dict.fromkeys(_NUMBERS, lambda: _number_stages(kind, described, telling)),
        **dict.fromkeys(_INTEGERS, lambda: _integer_stages(kind, described, telling)),
        **dict.fromkeys(_IDS, lambda: (*text_stages(kind), *ids.id_stages(telling))),
        "boolean": lambda: _boolean_stages(kind, telling),
        "date": lambda: _date_stages(kind, telling),
        "datetime": lambda: _datetime_stages(kind, telling),
        "time": lambda: _time_stages(kind, telling),
    }.get(described.type)
    return text_stages(kind) if of_type is None else of_type()


def _misfit(kind: Kind, target: Kind, words: str, telling: Telling) -> tuple[Stage, ...]:
    nothing = f"CAST(NULL AS {_SQL_TYPES[target]})"
    return (fallible(lambda _: nothing, target, f"is a {kind.value}, and {words}", telling),)


def _number_stages(kind: Kind, described: FieldDescribe, telling: Telling) -> tuple[Stage, ...]:
    if kind is Kind.TEXT:
        like = "{locale: en, symbol: '%'}" if described.type == "percent" else "de"
        return numbers.plain_number_stages(telling, like=like)
    if kind in (Kind.NUMBER, Kind.INTEGER):
        number = "CAST({x} AS DOUBLE)"
        return (
            fallible(
                lambda x: f"CASE WHEN isfinite({number.format(x=x)}) THEN {number.format(x=x)} END",
                Kind.NUMBER,
                "is no number",
                telling,
            ),
        )
    return _misfit(kind, Kind.NUMBER, f"{described.name} holds numbers", telling)


def _integer_stages(kind: Kind, described: FieldDescribe, telling: Telling) -> tuple[Stage, ...]:
    bits = _BITS[described.type]
    sql_type = "INTEGER" if bits == 31 else "BIGINT"
    if kind is Kind.INTEGER:
        words = f"is too large for {described.name}"
        return (fallible(lambda x: f"TRY_CAST({x} AS {sql_type})", Kind.INTEGER, words, telling),)
    # A double of 2^63 would overflow: the bound itself is not taken.
    number = "TRY_CAST({x} AS DOUBLE)"
    fits = f"abs({number}) < {float(2**bits)!r} AND {number} = trunc({number})"
    made = f"CASE WHEN {fits} THEN CAST({number} AS {sql_type}) END"
    if kind is Kind.TEXT:
        before = numbers.plain_number_stages(telling, as_text=True)
        digits = matches("{x}", "[+-]?[0-9]+")
        made = f"CASE WHEN {digits} THEN TRY_CAST({{x}} AS {sql_type}) ELSE {made} END"
    else:
        before = _number_stages(kind, described, telling)
    words = "is no whole number, or too large"
    return *before, fallible(lambda x: made.format(x=x), Kind.INTEGER, words, telling)


def _boolean_stages(kind: Kind, telling: Telling) -> tuple[Stage, ...]:
    if kind is Kind.BOOLEAN:
        return ()
    if kind is Kind.TEXT:
        words = "is neither `true` nor `false` (declare your words, like `transform: {boolean: [yes, no]}`)"
        return (fallible(lambda x: booleans.boolean_sql(x, (("true",), ("false",))), Kind.BOOLEAN, words, telling),)
    if kind in (Kind.INTEGER, Kind.NUMBER):
        value = "CASE {x} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"
        return (fallible(lambda x: value.format(x=x), Kind.BOOLEAN, "is neither 1 nor 0", telling),)
    return _misfit(kind, Kind.BOOLEAN, "a checkbox holds true or false", telling)


def _date_stages(kind: Kind, telling: Telling) -> tuple[Stage, ...]:
    if kind is Kind.TEXT:
        return dates.plain_date_stages(telling)
    if kind is Kind.DATE:
        return ()
    if kind is Kind.DATETIME:
        words = "has a time, and the field holds days"
        value = "CASE WHEN CAST(CAST({x} AS DATE) AS TIMESTAMP) = {x} THEN CAST({x} AS DATE) END"
        return (fallible(lambda x: value.format(x=x), Kind.DATE, words, telling),)
    return _misfit(kind, Kind.DATE, "the field holds days", telling)


def _datetime_stages(kind: Kind, telling: Telling) -> tuple[Stage, ...]:
    if kind is Kind.TEXT:
        return instants.plain_datetime_stages(telling)
    if kind is Kind.DATETIME:
        return (plain(lambda x: f"CAST({x} AS TIMESTAMP)", Kind.DATETIME),)
    if kind is Kind.INSTANT:
        return (plain(lambda x: f"CAST({x} AT TIME ZONE 'UTC' AS TIMESTAMP)", Kind.DATETIME),)
    words = "the field holds a time (declare whose midnight it is, like `transform: {datetime: Europe/Berlin}`)"
    return _misfit(kind, Kind.DATETIME, words, telling)


def _time_stages(kind: Kind, telling: Telling) -> tuple[Stage, ...]:
    if kind is Kind.TIME:
        return ()
    if kind is Kind.TEXT:
        form = "^(?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,6})?)?Z?$"
        return (
            fallible(
                lambda x: f"CASE WHEN regexp_matches({x}, {literal(form)}) THEN TRY_CAST(rtrim({x}, 'Z') AS TIME) END",
                Kind.TIME,
                "is no time of day, like 13:30:00",
                telling,
            ),
        )
    return _misfit(kind, Kind.TIME, "the field holds a time of day", telling)


def limit_stages(described: FieldDescribe, telling: Telling) -> tuple[Stage, ...]:
    """What the org would refuse of a value of the right type: too long, too large, no value of its picklist."""
    if described.type in _NUMBERS:
        digits = (described.precision or _MOST_DIGITS) - described.scale
        words = f"has more than {digits} digits before the point"
        return (checked(lambda x: f"abs({x}) >= 1e{digits}", words, telling, Kind.NUMBER),)
    if described.type in ("date", "datetime"):
        words = f"is not between {dates.FIRST_DAY} and {dates.LAST_DAY}"
        kind = Kind.DATE if described.type == "date" else Kind.DATETIME
        last = literal(dates.LAST_DAY)
        outside = f"CAST({{x}} AS DATE) < DATE '{dates.FIRST_DAY}' OR CAST({{x}} AS DATE) > DATE {last}"
        return (checked(lambda x: outside.format(x=x), words, telling, kind),)
    if described.type in ("boolean", "time", *_INTEGERS, *_IDS):
        return ()
    return (_text_limits(described), *_picklist_limits(described, telling))


def _text_limits(described: FieldDescribe) -> Stage:
    def problem(x: str, _relation: str, _value: str) -> str:
        found = [
            f"WHEN contains({x}, chr(0)) THEN 'the text holds a NUL character, which Salesforce does not take'",
            f"WHEN {x} = '#N/A' THEN '`#N/A` means \"no value\" to Salesforce (write an empty one, and `null: clear`)'",
        ]
        if described.length:
            limit = f"the text has ' || length({x}) || ' characters, and {described.name} takes {described.length}"
            found.insert(0, f"WHEN length({x}) > {described.length} THEN '{limit}'")
        return f"CASE {' '.join(found)} END"

    return Stage(Kind.TEXT, lambda x, _: x, problem)


def unlisted_sql(sql: str, described: FieldDescribe) -> str | None:
    """SQL of whether a value is not in the picklist; None for a field that has no list."""
    listed = [value for value in described.picklist_values if "\0" not in value]
    if not listed:
        return None
    if described.type == "multipicklist":
        parts = f"string_split({sql}, ';')"
        return f"len(list_filter({parts}, lambda p: p NOT IN ({texts(listed)}))) > 0"
    return f"{sql} NOT IN ({texts(listed)})" if described.type == "picklist" else None


def _picklist_limits(described: FieldDescribe, telling: Telling) -> tuple[Stage, ...]:
    if not described.restricted_picklist or unlisted_sql("x", described) is None:
        return ()
    words = f"is not an active value of {described.name}"
    return (checked(lambda x: unlisted_sql(x, described) or "FALSE", words, telling, Kind.TEXT),)


def unlisted_note_sql(sql: str, described: FieldDescribe, telling: Telling) -> str | None:
    """SQL of a note on a value that the picklist does not have, where the org takes it all the same."""
    unlisted = unlisted_sql(sql, described)
    if described.restricted_picklist or unlisted is None:
        return None
    return telling.said(
        sql, f"is not an active value of {described.name}: the org takes it, and shows it nowhere else", unlisted
    )
