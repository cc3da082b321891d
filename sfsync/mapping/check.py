"""Holds mappings against what the org says about its objects, before anything moves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass

from sfsync.config.document import KeyPath
from sfsync.config.spelling import suggestion
from sfsync.errors import Problem
from sfsync.mapping.check_steps import default_problem, step_problem
from sfsync.mapping.filter import filter_problems
from sfsync.mapping.keys import may_be_key
from sfsync.mapping.schema import FieldMapping, Lookup, Mapping
from sfsync.records import COMPOUND_TYPES, FieldDescribe, ObjectDescribe

#: Types that are compared and shown as something else than text; `values` maps text (and checkboxes) only.
_NOT_TEXT = frozenset({"int", "long", "double", "currency", "percent", "date", "datetime", "time", "multipicklist"})
#: Types of which a hash or a made-up text would be no value.
_NOT_MASKED = (_NOT_TEXT - {"multipicklist"}) | {"boolean", "reference", "picklist", "multipicklist"}

#: A shorter text has no room for the mask of an address and its domain.
_LEAST_ADDRESS = 40


def check_mappings(
    mappings: Sequence[Mapping],
    describes: AnyMapping[str, ObjectDescribe],
    *,
    object_names: Collection[str] | None = None,
) -> list[Problem]:
    """What in the mappings does not fit the org; nothing when they all do.

    Args:
        mappings: Already read and valid in themselves.
        describes: API name → describe, of every object that can be checked.
        object_names: Every object of the org. Given, an object that is neither here nor in `describes` does not
            exist; not given, it is only unknown to the mirror.
    """
    return [problem for mapping in mappings for problem in _Check(mapping, describes, object_names).problems()]


@dataclass(frozen=True, slots=True)
class _Check:
    """One mapping against the org."""

    mapping: Mapping
    describes: AnyMapping[str, ObjectDescribe]
    object_names: Collection[str] | None

    def problems(self) -> Iterator[Problem]:
        describe = self.describes.get(self.mapping.object)
        if describe is None:
            yield self._no_object(self.mapping.object, ("object",))
            return
        yield from self._forbidden(describe)
        if self.mapping.key_field is not None:
            yield from self._key(describe, self.mapping.key_field)
        for name, item in self.mapping.fields.items():
            yield from self._field(describe, name, item)
        for name, lookup in self.mapping.lookups.items():
            yield from self._lookup(describe, name, lookup)
        yield from self._newest_of_what()
        yield from filter_problems(self.mapping, describe)

    def _forbidden(self, describe: ObjectDescribe) -> Iterator[Problem]:
        """A user who may neither create nor change records of the object can push nothing, whatever the fields."""
        pushed = (*self.mapping.pushed_fields().values(), *self.mapping.pushed_lookups().values())
        if may_write(describe) or all(item.write == "never" for item in pushed):
            return
        message = f"this user may neither create nor change `{describe.name}` records"
        hint = "ask for the permission, or use `direction: pull`"
        yield self.mapping.problem("object", message=message, hint=hint)

    def _newest_of_what(self) -> Iterator[Problem]:
        """Which side is newer can be told only where the local rows say when they were changed."""
        if self.mapping.direction != "both" or self.mapping.modified is not None:
            return
        named = [("fields", name) for name, item in self.mapping.fields.items() if item.conflicts == "newest"]
        named += [("lookups", name) for name, item in self.mapping.lookups.items() if item.conflicts == "newest"]
        for at in [*([()] if self.mapping.conflicts == "newest" else []), *named]:
            message = "`newest` needs to know when a local row was changed"
            hint = "add `modified: COLUMN`: a local column that you set to the time (UTC) of each change"
            yield self.mapping.problem(*at, "conflicts", message=message, hint=hint)

    def _no_object(self, name: str, at: KeyPath) -> Problem:
        if self.object_names is None:
            hint = suggestion(name, self.describes) or ""
            if "mean" not in hint:
                hint = "; ".join(filter(None, [f"`sfsync pull {name}` brings it", hint]))
            return self.mapping.problem(*at, message=f"the mirror has no object `{name}`", hint=hint)
        if name in self.object_names:
            message, hint = f"this user may not query `{name}`", "ask for the permission, or remove it"
        else:
            message = f"the org has no object `{name}`, or this user may not see it"
            hint = suggestion(name, self.object_names) or "check the name, or the user's permissions"
        return self.mapping.problem(*at, message=message, hint=hint)

    def _known(self, describe: ObjectDescribe, name: str) -> FieldDescribe | Fault:
        """The field, or why it cannot be used."""
        found = next((f for f in describe.fields if f.name == name), None)
        if found is None:
            hint = suggestion(name, [f.name for f in describe.fields])
            return Fault(f"{describe.name} has no field `{name}`, or this user may not read it", hint)
        if found.type in COMPOUND_TYPES:
            return Fault(f"{describe.name}.{name} is made of other fields", f"map its parts: {_parts(found)}")
        if found.type == "base64":
            return Fault(f"{describe.name}.{name} is a file's content, which is not mirrored", "remove it")
        return found

    def _key(self, describe: ObjectDescribe, name: str) -> Iterator[Problem]:
        at = "key" if self.mapping.key is not None else "external_id"
        found = self._known(describe, name)
        if isinstance(found, Fault):
            yield self.mapping.problem(at, message=found.message, hint=found.hint)
        elif self.mapping.direction != "pull" and not may_be_key(found):
            message = f"{describe.name}.{name} is neither an External ID nor unique, so a push could not find records"
            known = [f.name for f in describe.fields if f.finds_records and f.type != "id"]
            hint = suggestion(name, known) or "mark it as External ID in the org's setup"
            yield self.mapping.problem(at, message=message, hint=hint)
        elif self.mapping.direction == "push" and found.type != "id" and name not in self.mapping.pushed_fields():
            message = f"{name} is not pushed, so there would be nothing to find records by"
            yield self.mapping.problem(at, message=message, hint=f"add it to `fields`: `{name}: COLUMN`")

    def _field(self, describe: ObjectDescribe, name: str, item: FieldMapping) -> Iterator[Problem]:
        found = self._known(describe, name)
        if isinstance(found, Fault):
            yield self.mapping.problem("fields", name, message=found.message, hint=found.hint, key=True)
            return
        is_key = found.type == "id" or name == self.mapping.key_field
        if self._is_pushed(item) and item.write != "never" and found.type != "id":
            yield from self._writable(describe, found, ("fields", name))
        if item.values is not None:
            yield from self._values(found, item.values)
        yield from self._steps(found, item, ("fields", name))
        if item.default is not None and (message := default_problem(found, item.default)):
            yield self.mapping.problem("fields", name, "default", message=message)
        if item.mask is not None and item.mask != "null" and (is_key or found.type in _NOT_MASKED):
            message = f"`mask` hides texts, and {name} is {'the key' if is_key else f'of type {found.type}'}"
            yield self.mapping.problem(
                "fields", name, "mask", message=message, hint="remove it, or use `mask: null`", key=True
            )
        elif item.mask == "keep-domain" and (found.type in ("phone", "url") or 0 < found.length < _LEAST_ADDRESS):
            message = f"`keep-domain` hides e-mail addresses, which {name} has no room for"
            if found.type in ("phone", "url"):
                message = f"`keep-domain` hides e-mail addresses, and {name} is of type {found.type}"
            yield self.mapping.problem("fields", name, "mask", message=message, hint="use `mask: hash`", key=True)

    def _steps(self, found: FieldDescribe, item: FieldMapping | Lookup, at: tuple[str, str]) -> Iterator[Problem]:
        for number, step in enumerate(item.transform):
            message = step_problem(step, found, both_ways=self.mapping.direction_of(item) == "both")
            if message is not None:
                here = (*at, "transform", number, step.key)
                yield self.mapping.problem(*here, message=message[0], hint=message[1], key=True)

    def _values(self, found: FieldDescribe, values: AnyMapping[str, object]) -> Iterator[Problem]:
        at = ("fields", found.name, "values")
        if found.type in _NOT_TEXT:
            message = f"`values` maps texts, picklists and checkboxes, and {found.name} is of type {found.type}"
            yield self.mapping.problem(*at, message=message, hint="remove `values`", key=True)
        elif found.type == "boolean":
            for value in values:
                if value not in ("true", "false"):
                    message = f"{found.name} is a checkbox: its values are `true` and `false`"
                    yield self.mapping.problem(*at, value, message=message, key=True)

    def _lookup(self, describe: ObjectDescribe, name: str, lookup: Lookup) -> Iterator[Problem]:
        at = ("lookups", name)
        found = self._known(describe, name)
        if isinstance(found, Fault):
            yield self.mapping.problem(*at, message=found.message, hint=found.hint, key=True)
        elif strange := next((each for each in lookup.objects if each not in found.reference_to), None):
            if found.reference_to:
                message = f"{describe.name}.{name} refers to {', '.join(found.reference_to)}, not to `{strange}`"
            else:
                message = f"{describe.name}.{name} is not a reference to another object"
            hint = suggestion(strange, found.reference_to) if found.reference_to else "map it under `fields`"
            yield self.mapping.problem(*at, "object", message=message, hint=hint)
            return
        elif self._is_pushed(lookup) and lookup.write != "never":
            yield from self._writable(describe, found, at)
        for each in lookup.objects:
            yield from self._parent(each, lookup, at)

    def _parent(self, name: str, lookup: Lookup, at: KeyPath) -> Iterator[Problem]:
        parent = self.describes.get(name)
        if parent is None:
            yield self._no_object(name, (*at, "object"))
            return
        by = self._known(parent, lookup.field_of(name))
        if isinstance(by, Fault):
            yield self.mapping.problem(
                *at, "by", *(() if isinstance(lookup.by, str) else (name,)), message=by.message, hint=by.hint
            )
        elif name == lookup.objects[0]:
            yield from self._steps(by, lookup, (str(at[0]), str(at[1])))

    def _is_pushed(self, item: FieldMapping | Lookup) -> bool:
        return self.mapping.direction_of(item) != "pull"

    def _writable(self, describe: ObjectDescribe, found: FieldDescribe, at: KeyPath) -> Iterator[Problem]:
        if may_write(describe) and not found.createable and not found.updateable:
            message = f"{self.mapping.object}.{found.name} cannot be written by this user"
            yield self.mapping.problem(*at, message=message, hint="add `direction: pull`", key=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a field cannot be mapped."""

    message: str
    hint: str | None


def may_write(describe: ObjectDescribe) -> bool:
    """Whether the user may create or change records of an object."""
    return describe.createable or describe.updateable


def _parts(found: FieldDescribe) -> str:
    """The fields a compound field is made of, as Salesforce names them."""
    if found.type == "location":
        stem = found.name.removesuffix("__c")
        return f"`{stem}__Latitude__s`, `{stem}__Longitude__s`"
    stem = found.name.removesuffix("Address")
    return ", ".join(f"`{stem}{part}`" for part in ("Street", "City", "State", "PostalCode", "Country"))
