"""Which mappings are planned, by the names people give them, and where their rows come from this time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from sfsync.config.spelling import suggestion
from sfsync.errors import UsageError
from sfsync.mapping.schema import Mapping
from sfsync.mapping.source_spec import SourceSpec
from sfsync.store.interface import Session, Store
from sfsync.store.ledger import read_describes
from sfsync.sync.plan.make import Rows
from sfsync.sync.plan.rows import loaded_rows
from sfsync.sync.plan.work import PlanSource


def chosen_mappings(mappings: Sequence[Mapping], names: Sequence[str]) -> list[Mapping]:
    """The mappings of these names (file, or file without its ending); every one that pushes when none is named.

    Raises:
        UsageError: There is no mapping of a name.
    """
    if not names:
        return [mapping for mapping in mappings if mapping.direction != "pull"]
    known = {name_of(mapping).casefold(): mapping for mapping in mappings}
    chosen = []
    for name in names:
        mapping = known.get(PurePath(name).name.removesuffix(".yml").removesuffix(".yaml").casefold())
        if mapping is None:
            raise UsageError(
                f"there is no mapping `{name}`", hint=suggestion(name, list(known)) or "see `sfsync mapping list`"
            )
        if mapping not in chosen:
            chosen.append(mapping)
    return chosen


def needed_objects(store: Store, mappings: Sequence[Mapping]) -> list[str]:
    """The objects that planning these mappings looks at, to be pulled first.

    Beside those that the mappings name, these are the parents of references that are given as Ids, where the mirror
    has them: an Id is held against it.
    """
    names = dict.fromkeys(name for mapping in mappings for name in mapping.objects)
    if not store.exists():
        return list(names)
    with store.reading() as session:
        describes = read_describes(session)
    for mapping in mappings:
        describe = describes.get(mapping.object)
        for name in mapping.pushed_fields() if describe is not None else ():
            field = describe.field(name) if describe is not None else None
            names.update(dict.fromkeys(each for each in (field.reference_to if field else ()) if each in describes))
    return list(names)


def name_of(mapping: Mapping) -> str:
    """What a mapping is called on the command line: its file, without folder and ending."""
    return PurePath(mapping.file).stem


def with_source(mappings: Sequence[Mapping], file: Path | None) -> dict[str, Rows]:
    """The rows of a file for the one mapping that is planned, in place of its own; how it is read stays as declared.

    Raises:
        UsageError: It is not clear for which mapping they are.
    """
    if file is None:
        return {}
    if len(mappings) != 1:
        raise UsageError("--source gives the rows of one mapping", hint="name it: `sfsync plan MAPPING --source FILE`")
    (mapping,) = mappings
    spec = source_at(mapping, str(file.absolute()))

    def rows(session: Session, planned: Mapping) -> PlanSource:
        return loaded_rows(session, planned, spec)

    return {mapping.file: rows}


def source_at(mapping: Mapping, file: str) -> SourceSpec:
    """A file in place of a mapping's source, read as that is declared; the mapping's own, where it is the same file."""
    declared = mapping.source
    if declared is None or declared.file is None:
        return SourceSpec(file=file)
    return declared if declared.file == file else declared.model_copy(update={"file": file, "format": None})
