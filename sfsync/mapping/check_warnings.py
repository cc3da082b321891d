"""What looks like a mistake in a mapping but may be meant: told, and nothing is stopped by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping

from sfsync.config.spelling import shown, suggestion
from sfsync.errors import Problem
from sfsync.mapping.check import may_write
from sfsync.mapping.keys import tells_apart
from sfsync.mapping.push_columns import is_required
from sfsync.mapping.schema import Mapping
from sfsync.records import ObjectDescribe

_PICKLISTS = frozenset({"picklist", "combobox"})


def mapping_warnings(mappings: Sequence[Mapping], describes: AnyMapping[str, ObjectDescribe]) -> list[Problem]:
    """What should be looked at: values no picklist has, fields a new record would lack, fields that can be set once."""
    found: list[Problem] = []
    for mapping in mappings:
        describe = describes.get(mapping.object)
        if describe is not None:
            found.extend(_unlisted(mapping, describe))
            found.extend(_required(mapping, describe))
            found.extend(_half_allowed(mapping, describe))
            found.extend(_half_writable(mapping, describe))
            found.extend(_shared_key(mapping, describe))
            found.extend(_masked_parents(mapping, mappings))
    return found


def _unlisted(mapping: Mapping, describe: ObjectDescribe) -> Iterator[Problem]:
    for name, item in mapping.fields.items():
        described = describe.field(name)
        if described is None or described.type not in _PICKLISTS or not described.picklist_values:
            continue
        listed = described.picklist_values
        for value in item.values or {}:
            if value not in listed:
                message = f"`{shown(value)}` is not an active value of {mapping.object}.{name}"
                hint = suggestion(value, listed)
                yield mapping.problem("fields", name, "values", value, message=message, hint=hint, key=True)
        if item.constant is not None and item.constant not in listed and item.values is None and not item.transform:
            message = f"`{shown(item.constant)}` is not an active value of {mapping.object}.{name}"
            yield mapping.problem("fields", name, "constant", message=message, hint=suggestion(item.constant, listed))
        for step in item.transform:
            table = mapping.value_table(step.table)
            strange = [org for org in dict.fromkeys(org for org, _ in table.rows) if org not in listed] if table else []
            if table is not None and strange:
                more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
                message = (
                    f"`{shown(strange[0])}`{more} in {table.file} is not an active value of {mapping.object}.{name}"
                )
                yield mapping.problem("fields", name, "transform", message=message, hint=suggestion(strange[0], listed))


def _required(mapping: Mapping, describe: ObjectDescribe) -> Iterator[Problem]:
    if mapping.direction == "pull":
        return
    pushed = {name.casefold() for name in (*mapping.pushed_fields(), *mapping.pushed_lookups())}
    missing = [each.name for each in describe.fields if is_required(each) and each.name.casefold() not in pushed]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        message = f"a new {mapping.object} needs {names}, which the mapping does not push"
        hint = "map it, or give it a `constant`; records that are there already can be pushed"
        yield mapping.problem("fields", message=message, hint=hint, key=True)


def _half_allowed(mapping: Mapping, describe: ObjectDescribe) -> Iterator[Problem]:
    """What this user may not do with any record of the object; to be allowed nothing at all is an error."""
    if mapping.direction == "pull":
        return
    name = describe.name
    if may_write(describe) and not describe.createable:
        message = f"this user may not create `{name}` records"
        yield mapping.problem("object", message=message, hint="a plan refuses rows that are new records")
    if may_write(describe) and not describe.updateable:
        message = f"this user may not change `{name}` records"
        yield mapping.problem("object", message=message, hint="a plan refuses rows whose record is there already")
    if mapping.deletes != "never" and not describe.deletable:
        message = f"this user may not delete `{name}` records"
        hint = "ask for the permission, or use `deletes: never`: a plan refuses every deletion"
        yield mapping.problem("deletes", message=message, hint=hint)


def _shared_key(mapping: Mapping, describe: ObjectDescribe) -> Iterator[Problem]:
    """A standard field by which the org finds records need not be unique: `Email`, or `Name` of an opportunity."""
    key = mapping.key_field
    found = describe.field(key) if key is not None and mapping.direction != "pull" else None
    if key is None or found is None or found.external_id or tells_apart(describe.name, found):
        return
    message = f"several records may have the same {describe.name}.{found.name}; rows about them are refused"
    at = "key" if mapping.key is not None else "external_id"
    yield mapping.problem(at, message=message, hint="an External ID that is unique tells every record apart")


def _half_writable(mapping: Mapping, describe: ObjectDescribe) -> Iterator[Problem]:
    if not (describe.createable and describe.updateable):
        return  # told of the object
    sections = (("fields", mapping.pushed_fields()), ("lookups", mapping.pushed_lookups()))
    for section, items in sections:
        for name, item in items.items():
            found = describe.field(name)
            if found is None or item.write == "never" or found.createable == found.updateable or found.type == "id":
                continue
            when, otherwise = ("made", "changed") if found.createable else ("changed", "made")
            message = f"{mapping.object}.{name} can be set when a record is {when}, and not when it is {otherwise}"
            yield mapping.problem(section, name, message=message, hint="pushes that would do so are refused", key=True)


def _masked_parents(mapping: Mapping, mappings: Sequence[Mapping]) -> Iterator[Problem]:
    """Parents that are looked for by a value which another mapping writes in another form."""
    for field, lookup in mapping.pushed_lookups().items():
        for name in lookup.objects:
            by = lookup.field_of(name)
            other = next((each for each in mappings if each.object == name and _masks(each, by)), None)
            if other is not None:
                message = f"{name}.{by} is masked by {other.file}, so {field} will not find what it names by it"
                hint = f"look it up by a field that is not masked, like an External ID of {name}"
                at = ("lookups", field, "by") if isinstance(lookup.by, str) else ("lookups", field, "by", name)
                yield mapping.problem(*at, message=message, hint=hint)


def _masks(mapping: Mapping, field: str) -> bool:
    item = mapping.pushed_fields().get(field)
    return item is not None and item.mask is not None
