"""Data Loader's `.sdl` maps. They say which column is which field, and neither the object nor the way it goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sfsync.errors import UsageError
from sfsync.mapping.imports.page import Entry, Page
from sfsync.mapping.imports.properties import Property, read_properties
from sfsync.mapping.yaml_text import comment, scalar
from sfsync.records import FieldDescribe, ObjectDescribe

_API_STYLE = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*|\w+__[cr]")
_USERS = {"owner": "User", "createdby": "User", "lastmodifiedby": "User", "who": "", "what": ""}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the org, which may be nothing."""

    object: str
    describes: Mapping[str, ObjectDescribe]

    @property
    def describe(self) -> ObjectDescribe | None:
        """Of the mapping's object."""
        return self.describes.get(self.object)

    def field(self, name: str, object_name: str | None = None) -> str:
        """The field's own spelling, where it is known: Data Loader does not care for capitals."""
        if name.casefold() == "id":
            return "Id"
        describe = self.describes.get(object_name or self.object)
        found = describe.field(name) if describe else None
        return found.name if found else name


@dataclass(frozen=True, slots=True)
class _Parent:
    """A reference by a parent's field: `Owner:User-Username`, `Owner.Name`."""

    field: str
    object: str
    by: str
    problem: str = ""


def sdl_page(text: str, shown_as: str, known: tuple[str, Mapping[str, ObjectDescribe]], way: str | None) -> Page:
    """The mapping of an `.sdl` file.

    Args:
        text: The file's.
        shown_as: What messages call it.
        known: The object, and describes by API name, as far as they are known.
        way: `push` or `pull`; found out unless given.

    Raises:
        UsageError: It may go one way or the other.
    """
    entries, comments = read_properties(text)
    org = _Known(*known)
    same = all(each.key.casefold() == each.value.casefold() for each in entries)
    direction = way or ("push" if same else _direction(entries, comments, org, shown_as))
    page = Page(shown_as, [comment(f"From Data Loader's {shown_as}."), "version: 1", f"object: {org.object}"])
    page.head.append(f"direction: {direction}")
    for each in _last_ones(entries, page):
        if direction == "push":
            _pushed(page, each, org)
        else:
            _pulled(page, each, org)
    if same and way is None:
        page.remarks.append("Both sides of the map are the same, and it was taken for one that loads into the org")
    if direction == "push":
        _key(page, org)
    return page


def _last_ones(entries: Sequence[Property], page: Page) -> Iterator[Property]:
    """The entries that count: of several with one key, Java keeps the last."""
    last = {each.key: each.line for each in entries}
    for each in entries:
        if each.key and last[each.key] != each.line:
            page.remarks.append(
                f"line {each.line} `{each.raw}` counts for nothing: line {last[each.key]} has the same key"
            )
        else:
            yield each


def _direction(entries: Sequence[Property], comments: Sequence[str], org: _Known, shown_as: str) -> str:
    """Loads write `column=Field`, extracts `Field=column`."""
    said = " ".join(comments).casefold()
    if "from salesforce (left)" in said or "salesforcefieldname=" in said:
        return "pull"
    if "to salesforce (right)" in said or "=salesforcefieldname" in said:
        return "push"
    if any(each.key.startswith('"') or ":" in each.value for each in entries):
        return "push"
    left = sum(_is_field(each.key, org) for each in entries)
    right = sum(_is_field(part.strip(), org) for each in entries for part in each.value.split(","))
    if left != right:
        return "push" if right > left else "pull"
    raise UsageError(
        f"{shown_as}: whether it loads into the org or extracts from it does not show",
        hint="say which: --direction push, or --direction pull",
    )


def _is_field(name: str, org: _Known) -> float:
    """How much a name looks like a field's: no column is likely to end like a custom field."""
    if org.describe is None and name.endswith("__c"):
        return 1.5
    if org.describe is not None:
        found = org.describe.field(name.partition(".")[0])
        return found is not None and (found.name == name or not name.isupper())
    return _API_STYLE.fullmatch(name) is not None


def _pushed(page: Page, each: Property, org: _Known) -> None:
    """`column=Field`, `column=Field, Other`, `"constant"=Field`, `column=Rel:Object-field`."""
    targets = [part.strip() for part in each.value.split(",") if part.strip()]
    if not targets:
        page.remarks.append(f"line {each.line}: the column {each.key or '(none)'} is mapped to no field")
    constant = each.key[1:-1] if len(each.key) > 1 and each.key[0] == each.key[-1] == '"' else None
    for target in targets:
        problem, source = "", f"local: {scalar(each.key)}"
        if constant is not None:
            source = f"constant: {scalar(constant)}"
            if not constant.strip():
                problem = "an empty constant; to empty a field, map an empty column with `null: clear`"
        elif not each.key:
            problem = "it names no column"
        if ":" in target:
            entry = _lookup(_parent(target, org), source, each)
        else:
            yaml = scalar(each.key) if constant is None else f"{{{source}}}"
            entry = Entry("fields", org.field(target), yaml, each.line, raw=each.raw)
        if problem:
            entry = Entry(entry.section, entry.field, entry.yaml, each.line, problem, each.raw, active=False)
        page.add(entry)


def _pulled(page: Page, each: Property, org: _Known) -> None:
    """`Field=column`, `Rel.Field=column`."""
    if not each.key or not each.value:
        page.remarks.append(f"line {each.line} `{each.raw}`: it has one side only")
        return
    relation, dot, by = each.key.rpartition(".")
    if not dot:
        page.add(Entry("fields", org.field(each.key), scalar(each.value), each.line, raw=each.raw))
    elif "." in relation:
        note = "a parent's parent cannot be shown; ask the local tables by SQL"
        page.add(Entry("lookups", relation, scalar(each.value), each.line, note, each.raw, active=False))
    elif by.casefold() == "id":
        parent = _parent(f"{relation}:Id", org)
        page.add(
            Entry(
                "fields",
                parent.field,
                scalar(each.value),
                each.line,
                "the parent's Id is the reference itself",
                each.raw,
            )
        )
    else:
        page.add(_lookup(_parent(f"{relation}:{by}", org), f"local: {scalar(each.value)}", each))


def _lookup(parent: _Parent, source: str, each: Property) -> Entry:
    yaml = f"{{object: {scalar(parent.object or 'OBJECT')}, by: {scalar(parent.by)}, {source}}}"
    return Entry("lookups", parent.field, yaml, each.line, parent.problem, each.raw, active=not parent.problem)


def _parent(text: str, org: _Known) -> _Parent:
    """What `Rel:field`, `Rel:Object` or `Rel:Object-field` means."""
    relation, _, rest = text.partition(":")
    named, dash, by = rest.partition("-")
    described = _reference(relation, org)
    field = described.name if described else _reference_name(relation)
    targets = described.reference_to if described else ()
    if dash:
        target = next((name for name in targets if name.casefold() == named.casefold()), named)
        return _Parent(field, target, org.field(by, target))
    if target := next((name for name in targets if name.casefold() == rest.casefold()), ""):
        return _Parent(field, target, "Id", "it names the parent's object and not the field that it is found by")
    target = _target(relation, targets, org)
    problem = "" if target else "it does not say which object the parent is of"
    return _Parent(field, target, org.field(rest, target), problem)


def _reference(relation: str, org: _Known) -> FieldDescribe | None:
    wanted = relation.casefold()
    fields = org.describe.fields if org.describe else ()
    return next((each for each in fields if (each.relationship_name or "").casefold() == wanted), None)


def _reference_name(relation: str) -> str:
    """The field of a relationship, by the rule that both are named by."""
    if relation.casefold().endswith("__r"):
        return relation[:-1] + "c"
    return relation[:1].upper() + relation[1:] + "Id"


def _target(relation: str, targets: Sequence[str], org: _Known) -> str:
    if len(targets) == 1:
        return targets[0]
    if "User" in targets and relation.casefold() in _USERS:
        return "User"
    if targets or relation.casefold().endswith("__r"):
        return ""
    if relation.casefold() == "parent":
        return org.object
    return _USERS.get(relation.casefold(), relation[:1].upper() + relation[1:])


def _key(page: Page, org: _Known) -> None:
    """Data Loader is told elsewhere by which field it finds records."""
    fields = [each.field for each in page.entries if each.active and each.section == "fields"]
    if "Id" in fields:
        page.head.append("key: Id  # the map has the record's Id")
        return
    outside = [each.name for each in org.describe.fields if each.external_id] if org.describe else []
    known = ", ".join(name for name in fields if name in outside)
    page.remarks.append(
        "key: FIELD. Data Loader keeps the field of an upsert elsewhere; without a key each push makes new records"
        + (f" (External IDs here: {known})" if known else "")
    )
