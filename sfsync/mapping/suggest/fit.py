"""Whether what a column holds can be what a field takes, and what transform that needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfsync.config.spelling import shown
from sfsync.mapping.suggest.profile import ColumnProfile, overlap
from sfsync.mapping.yaml_text import scalar
from sfsync.records import FieldDescribe

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_SAMPLES = 3
_PERCENT = re.compile(r"[+-]?[0-9][0-9.,'\u2019]*\s?%")


@dataclass(frozen=True, slots=True)
class Fit:
    """How a column suits a field.

    Attributes:
        share: How plausible, from 0 to 1.
        words: What was seen, for people.
        transform: The `transform:` it needs as YAML, or nothing.
        doubt: What has to be decided by a person first, or nothing: such a line is not put to work.
    """

    share: float
    words: str = ""
    transform: str = ""
    doubt: str = ""


def fit(column: ColumnProfile, field: FieldDescribe) -> Fit:
    """Hold the values of a column against the type of a field."""
    if column.looks_like == "nothing":
        return Fit(0.9, "no values to look at")
    if field.type == "percent" and column.share(_PERCENT) == 1.0:
        return _percent(column)
    if field.type in _NUMBERS:
        return _number(column)
    return {
        "boolean": _boolean,
        "date": _date,
        "datetime": _datetime,
        "email": _email,
        "phone": _phone,
        "url": _url,
        "id": _id,
        "reference": _id,
    }.get(field.type, _text)(column, field)


def _email(column: ColumnProfile, _: FieldDescribe) -> Fit:
    if column.looks_like == "email":
        return Fit(1.0, "values are e-mail addresses")
    return Fit(0.3, "values are no e-mail addresses")


def _phone(column: ColumnProfile, _: FieldDescribe) -> Fit:
    if column.looks_like in {"phone", "number"}:
        return Fit(1.0, "values look like phone numbers")
    return Fit(0.3, f"values look like {column.looks_like}, not like phone numbers")


def _url(column: ColumnProfile, _: FieldDescribe) -> Fit:
    return Fit(1.0, "values are addresses of sites") if column.looks_like == "url" else Fit(0.6)


def _id(column: ColumnProfile, _: FieldDescribe) -> Fit:
    return Fit(1.0, "values are record Ids") if column.looks_like == "id" else Fit(0.0)


def _boolean(column: ColumnProfile, _: FieldDescribe) -> Fit:
    if column.looks_like != "boolean":
        return Fit(0.2, "values are not of two kinds")
    words = column.boolean_words
    if words is None or tuple(map(str.casefold, words)) == ("true", "false"):
        return Fit(1.0, "values are true and false")
    true, false = map(scalar, words)
    return Fit(1.0, f"values are {shown(words[0])} and {shown(words[1])}", f"{{boolean: [{true}, {false}]}}")


def _number(column: ColumnProfile) -> Fit:
    if column.looks_like not in {"number", "boolean"} or not (column.kind != "text" or column.number_forms):
        if not column.values:
            return Fit(0.25, f"the column holds values of another kind ({column.looks_like})")
        some = 0.5 if column.looks_like == "number" else 0.25
        return Fit(some, f"not all values are numbers, like `{_odd(column)}`")
    forms = set(column.number_forms)
    if column.kind != "text" or "" in forms:
        groups = [value.strip() for value in column.values if "." in value] if "de" in forms else []
        if not groups or column.kind != "text" or any(value.startswith(("0", "-0", "+0")) for value in groups):
            return Fit(1.0, "values are numbers")
        written = f"`{shown(groups[0])}`"
        doubt = f"{written} may be a fraction or have a thousand in it: `transform: {{number: en}}` or `{{number: de}}`"
        return Fit(0.9, "values are numbers", doubt=doubt)
    example = shown(max(column.values, key=len))
    if not forms & {"de", "fr"}:
        form = "en" if "en" in forms else "en_IN"
    elif not forms & {"en", "en_IN"}:
        form = "de" if "de" in forms else "fr"
    else:
        doubt = (
            f"`{example}` may be written the English way or the German: `transform: {{number: en}}` or `{{number: de}}`"
        )
        return Fit(0.9, "values are numbers", doubt=doubt)
    return Fit(1.0, f"values are numbers like `{example}`", f"{{number: {form}}}")


def _percent(column: ColumnProfile) -> Fit:
    example = shown(max(column.values, key=len))
    if any(mark in value for value in column.values for mark in ",'\u2019"):
        doubt = f"`{example}`: declare how it is written, like `transform: {{number: {{locale: de, symbol: '%'}}}}`"
        return Fit(0.9, "values are percentages", doubt=doubt)
    return Fit(1.0, f"values are percentages like `{example}`", '{number: {locale: en, symbol: "%"}}')


def _date(column: ColumnProfile, _: FieldDescribe) -> Fit:
    if column.kind == "date":
        return Fit(1.0, "values are days")
    if column.looks_like != "date":
        return Fit(
            0.4 if column.looks_like == "datetime" else 0.25, f"values look like {column.looks_like}, not like days"
        )
    orders, example = column.day_orders, shown(column.values[-1])
    if orders == ("iso",):
        return Fit(1.0, "values are days")
    if len(orders) == 1:
        return Fit(
            1.0, f"days like `{example}`, of which some can be nothing but {orders[0]}", f"{{date: {orders[0]}}}"
        )
    if not orders:
        return Fit(0.8, "values look like days", doubt=f"not all are in one order, like `{_odd(column)}`")
    doubt = f"`{example}` may be day, month, year or month, day, year: `transform: {{date: dmy}}` or `{{date: mdy}}`"
    return Fit(0.9, "values are days", doubt=doubt)


def _datetime(column: ColumnProfile, _: FieldDescribe) -> Fit:
    if column.kind != "text":
        return Fit(1.0 if column.looks_like in {"datetime", "date"} else 0.2, f"values are {column.kind}")
    if column.looks_like == "datetime":
        if column.has_zone:
            return Fit(1.0, "values are times with a zone")
        return Fit(
            0.9, "values are times", doubt="they have no zone: declare it, like `transform: {datetime: Europe/Berlin}`"
        )
    if column.looks_like == "date":
        return Fit(0.8, "values are days", doubt="the field holds times: declare the form and the zone")
    return Fit(0.25, f"values look like {column.looks_like}, not like times")


def _text(column: ColumnProfile, field: FieldDescribe) -> Fit:
    if field.type in {"picklist", "multipicklist", "combobox"} and field.picklist_values:
        return _choice(column, field)
    if field.length and column.longest > field.length:
        return Fit(0.8, f"the longest value has {column.longest:,} characters, the field takes {field.length:,}")
    return Fit(1.0 if column.looks_like in {"text", "number", "boolean", "id"} else 0.85)


def _choice(column: ColumnProfile, field: FieldDescribe) -> Fit:
    values = column.values
    if field.type == "multipicklist":
        values = tuple(dict.fromkeys(part for value in values for part in re.split(r"\s*;\s*", value) if part))
    exact = set(field.picklist_values)
    missing = [value for value in values if value not in exact]
    if not missing:
        return Fit(1.0, f"all {len(values)} values are in the picklist")
    named = ", ".join(f"`{shown(value, 30)}`" for value in missing[:_SAMPLES]) + (
        ", …" if len(missing) > _SAMPLES else ""
    )
    share = overlap(values, field.picklist_values)
    words = f"{len(missing)} of {len(values)} values are not in the picklist: {named}; say what they are by `values:`"
    return Fit(0.75 + 0.25 * share, words)


def _odd(column: ColumnProfile) -> str:
    """A value unlike the others, to be shown."""
    return shown(max(column.values, key=lambda value: sum(not char.isdigit() for char in value)), 30)
