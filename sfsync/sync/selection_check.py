"""Holds selections against the org before anything is read: fields that do not exist, filters it would refuse."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sfsync.config.spelling import suggestion
from sfsync.errors import ConfigError, Problem, SoqlError
from sfsync.records import FieldDescribe, ObjectDescribe
from sfsync.soql import Condition, FieldPath
from sfsync.soql.ast import SemiJoin
from sfsync.soql.condition_sql import Column, condition_sql
from sfsync.soql.walk import Test, named_in, tests_in
from sfsync.sync.options import PullOptions
from sfsync.sync.selection import (
    ALWAYS_KEPT,
    CREATED,
    Selection,
    fields_of_mappings,
    narrow,
    unstamped_reasons,
)

if TYPE_CHECKING:
    from sfsync.mapping.schema import Mapping

#: Any instant will do for finding out whether a filter can be understood.
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def select(
    describes: AnyMapping[str, ObjectDescribe],
    options: PullOptions,
    mappings: Sequence[Mapping] = (),
    object_names: Collection[str] = (),
) -> tuple[dict[str, ObjectDescribe], PullOptions]:
    """The objects as far as they are wanted, and the options with every selection understood.

    Args:
        describes: API name → object, with all that the org shows of it.
        options: With the selections.
        mappings: Their fields are kept, whatever was selected.
        object_names: Every object of the org, for sub-selects of filters.

    Raises:
        ConfigError: A selection names what the org does not have; every problem is told.
    """
    needed = fields_of_mappings(mappings)
    chosen = {name: options.selection(name) for name in describes}
    problems = [
        problem
        for name, describe in describes.items()
        for problem in SelectionCheck(describe, chosen[name], needed.get(name, frozenset()), object_names).problems()
    ]
    if problems:
        problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        raise ConfigError(problems, hint="nothing was read from the org; correct the selection and pull again")
    understood = {
        name: replace(selection, unstamped=unstamped_reasons(selection.condition, describes[name]))
        for name, selection in chosen.items()
    }
    narrowed = {name: narrow(each, chosen[name], needed.get(name, frozenset())) for name, each in describes.items()}
    return narrowed, replace(options, selections=understood)


@dataclass(frozen=True, slots=True)
class SelectionCheck:
    """One selection against the object it is of.

    Attributes:
        describe: The object, with all that the org shows of it.
        selection: What is wanted of it.
        needed: Fields (in lower case) that mappings show.
        object_names: Every object of the org; nothing when they are not known.
    """

    describe: ObjectDescribe
    selection: Selection
    needed: frozenset[str] = frozenset()
    object_names: Collection[str] = ()

    def problems(self) -> Iterator[Problem]:
        """Everything wrong with it."""
        for name in sorted(self.selection.fields or ()):
            yield from self._field(name)
        for name in sorted(self.selection.exclude):
            yield from self._excluded(name)
        if self.selection.since is not None and self.describe.field(CREATED) is None:
            message = f"{self.describe.name} has no field {CREATED}, so `since` cannot limit it"
            yield self._problem("since", message, "leave `since` out, or use a `filter`")
        yield from self._filter()

    def _field(self, name: str) -> Iterator[Problem]:
        found = self.describe.field(name)
        if found is None:
            yield self._problem("fields", *self._no_field(name), item=name)
        elif found.type == "base64":
            message = f"{self.describe.name}.{found.name} is a file's content, which is not mirrored"
            yield self._problem("fields", message, "remove it", item=name)

    def _excluded(self, name: str) -> Iterator[Problem]:
        found = self.describe.field(name)
        if found is None:
            yield self._problem("exclude", *self._no_field(name), item=name)
        elif name.casefold() in {each.casefold() for each in ALWAYS_KEPT}:
            yield self._problem("exclude", f"the mirror cannot do without {found.name}", "remove it", item=name)
        elif name.casefold() in self.needed:
            message = f"a mapping shows {self.describe.name}.{found.name}, so it cannot be left out"
            yield self._problem("exclude", message, "remove it here, or from the mapping", item=name)
        elif self.selection.since is not None and name.casefold() == CREATED.casefold():
            yield self._problem("exclude", f"`since` needs {CREATED}", "remove it", item=name)

    def _no_field(self, name: str) -> tuple[str, str | None]:
        message = f"{self.describe.name} has no field `{name}`, or this user may not read it"
        return message, suggestion(name, [f.name for f in self.describe.fields])

    def _filter(self) -> Iterator[Problem]:
        try:
            condition = self.selection.condition
        except SoqlError as error:
            yield self._refused(error)
            return
        for test in tests_in(condition) if condition is not None else ():
            yield from self._test(test)

    def _test(self, test: Test) -> Iterator[Problem]:
        paths = list(named_in(test.left))
        unknown = [problem for path in paths for problem in self._path(path)]
        yield from unknown
        if isinstance(test, SemiJoin):
            yield from self._sub_select(test)
        elif not unknown and all(len(path.names) == 1 for path in paths):
            # What a parent's field takes only the org knows; it says so before anything is stored.
            yield from self._type(test)

    def _path(self, path: FieldPath) -> Iterator[Problem]:
        at = (path.place.row, path.place.column)
        if len(path.names) == 1:
            if self.describe.field(path.names[0]) is None:
                yield self._in_filter(*self._no_field(str(path)), at)
            return
        parents = [f.relationship_name for f in self.describe.fields if f.relationship_name]
        first = path.names[0]
        if first.casefold() not in {name.casefold() for name in parents}:
            yield self._in_filter(f"{self.describe.name} has no parent `{first}`", suggestion(first, parents), at)

    def _sub_select(self, test: SemiJoin) -> Iterator[Problem]:
        source = test.query.source.path
        if self.object_names and str(source).casefold() not in {name.casefold() for name in self.object_names}:
            message = f"the org has no object `{source}`, or this user may not see it"
            at = (source.place.row, source.place.column)
            yield self._in_filter(message, suggestion(str(source), self.object_names), at)

    def _type(self, test: Condition) -> Iterator[Problem]:
        def resolve(path: FieldPath) -> Column:
            found = self.describe.field(path.names[0])
            if found is None:
                raise path.place.error(f"no such column '{path}' on entity '{self.describe.name}'")
            return Column(found.name, found.type, found.name, _filterable(found), found.picklist_values)

        try:
            condition_sql(test, resolve, _SOME_TIME)
        except SoqlError as error:
            yield self._refused(error)

    def _refused(self, error: SoqlError) -> Problem:
        # Without the excerpt that Salesforce puts before its sentence: the place in the file says it better.
        told = str(error.context.get("text") or error.message)
        return self._in_filter(f"the filter cannot be read: {told}", error.hint, (error.row, error.column))

    def _in_filter(self, message: str, hint: str | None, at: tuple[int | None, int | None]) -> Problem:
        origin = self.selection.origin
        if origin is None:
            return self._without_place(message, hint)
        return origin.problem_in_text(("filter",), *at, (message, hint))

    def _problem(self, key: str, message: str, hint: str | None, *, item: str | None = None) -> Problem:
        origin = self.selection.origin
        if origin is None:
            return self._without_place(message, hint)
        written = origin.value(key)
        at = (
            (key, written.index(item)) if item is not None and isinstance(written, list) and item in written else (key,)
        )
        return origin.problem(at, message, hint)

    def _without_place(self, message: str, hint: str | None) -> Problem:
        return Problem(f"selection of {self.describe.name}", None, None, message, hint)


def _filterable(found: FieldDescribe) -> bool:
    # Salesforce filters no long text, whatever operator: its own answer is the error `condition_sql` gives.
    return not (found.type == "textarea" and found.length > 255)
