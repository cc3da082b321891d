"""Reads the relations: those that come with sfsync, and a project's own in `rules/relations/`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from sfsync.audit.check_sql import SqlText, text_problems
from sfsync.audit.portable import UnreadableSql, read_select
from sfsync.audit.relations.relation import Relation, RelationFile
from sfsync.audit.spell import relation_sources
from sfsync.config.document import Document
from sfsync.config.problems import read_model
from sfsync.config.spelling import suggestion
from sfsync.config.yaml_reader import read_yaml
from sfsync.errors import ConfigError, Problem, RuleError

#: Where the relations lie that come with sfsync.
PACKAGED = Path(__file__).parent

#: Names that SQL of rules has a meaning for already.
_TAKEN = ("eligible", "violations")

_WORD = re.compile(r"[a-z_][a-z0-9_]*")

Relations = Mapping[str, Relation]


def load_relations() -> Relations:
    """Every relation that comes with sfsync, by its name.

    Raises:
        RuleError: Names every problem in every file.
    """
    relations, problems = survey_relations()
    if problems:
        raise RuleError(problems)
    return relations


def survey_relations(folder: Path | None = None) -> tuple[Relations, list[Problem]]:
    """Every relation, and what is wrong with some of them.

    Args:
        folder: Of a project's own relations; a folder that does not exist holds none.
    """
    relations, problems = _packaged()
    if folder is not None and folder.is_dir():
        files = sorted(folder.glob("*.yml"))
        relations, found = _with_files(relations, files, f"{folder.parent.name}/{folder.name}")
        problems = [*problems, *found]
    return relations, problems


def read_relations(texts: Iterable[str], relations: Relations) -> tuple[Relation, ...]:
    """The relations that SQL texts read, directly or not, each after those it reads itself."""
    found: dict[str, Relation] = {}

    def add(name: str) -> None:
        if name not in found:
            for read in relations[name].reads:
                add(read)
            found[name] = relations[name]

    for text in texts:
        for name in _reads(text, relations):
            add(name)
    return tuple(found.values())


@lru_cache(maxsize=1)
def _packaged() -> tuple[Relations, list[Problem]]:
    modules = [
        importlib.import_module(f"{__package__}.{module.name}") for module in pkgutil.iter_modules([str(PACKAGED)])
    ]
    made = [module.RELATION for module in modules if hasattr(module, "RELATION")]
    return _with_files({each.name: each for each in made}, sorted(PACKAGED.glob("*.yml")), "sfsync/audit/relations")


def _with_files(relations: Relations, files: Iterable[Path], folder: str) -> tuple[Relations, list[Problem]]:
    """The relations there are with those of files, and what is wrong with some of these."""
    known = dict(relations)
    documents: dict[str, Document] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            document = read_yaml(file, f"{folder}/{file.name}")
            said = read_model(RelationFile, document, error=RuleError)
        except ConfigError as error:
            problems += error.problems
            continue
        problems += _name_problems(said, document, file, known)
        if said.name not in known:
            documents[said.name] = document
            known[said.name] = _relation(said, document)
    # What is read is known only when every name is.
    for name in documents:
        known[name] = replace(known[name], reads=_reads(known[name].sql or "", known))
    for name, document in documents.items():
        problems += _relation_problems(known[name], document, known)
    round_trips = list(_cycles(known, documents))
    if round_trips:  # nobody can read these, nor what reads them
        problems += round_trips
        for name in documents:
            del known[name]
    return known, problems


def _relation(said: RelationFile, document: Document) -> Relation:
    return Relation(
        name=said.name,
        about=said.about.strip(),
        columns=said.columns,
        needs=said.needs,
        optional=said.optional,
        notions=said.notions,
        sql=said.sql,
        file=document.name,
    )


def _reads(sql: str, relations: Relations) -> tuple[str, ...]:
    if relations.keys().isdisjoint(_WORD.findall(sql.casefold())):
        return ()
    try:
        query = read_select(sql)
        return tuple(dict.fromkeys(source.name.casefold() for source in relation_sources(query, relations)))
    except (UnreadableSql, RecursionError):
        return ()  # told where the text is checked


def _name_problems(said: RelationFile, document: Document, file: Path, known: Relations) -> Iterable[Problem]:
    if said.name in _TAKEN:
        yield document.problem("name", message=f"`{said.name}` is taken by sfsync itself")
    elif said.name in known:
        yield document.problem(
            "name", message=f"`{said.name}` is taken by {known[said.name].file}", hint="choose another"
        )
    elif file.stem != said.name:
        message = f"the relation is called `{said.name}`, and its file {file.name}"
        yield document.problem("name", message=message, hint=f"name the file {said.name}.yml")


def _relation_problems(relation: Relation, document: Document, known: Relations) -> Iterable[Problem]:
    notions = (*relation.notions, *(option.notion for option in relation.optional if option.notion))
    inherited = [each for name in relation.reads for each in known[name].notions]
    text = SqlText(("sql",), relation.sql or "", relation.fields, known, (*notions, *inherited))
    columns, problems = text_problems(document, text)
    yield from problems
    if problems:
        return
    for name in relation.columns:
        if name not in columns:
            hint = suggestion(name, columns)
            yield document.problem("columns", name, message=f"`sql` has no column `{name}`", hint=hint, key=True)
    for name in columns:
        if name not in relation.columns:
            hint = suggestion(name, relation.columns)
            yield document.problem("sql", message=f"the column `{name}` is not in `columns`", hint=hint)


def _cycles(known: Relations, documents: Mapping[str, Document]) -> Iterable[Problem]:
    """Relations that read themselves, however far round."""
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> Iterable[Problem]:
        if name in path:
            round_trip = " → ".join((*path[path.index(name) :], name))
            yield documents[name].problem("sql", message=f"the relation reads itself: {round_trip}")
            return
        if name in done or name not in documents:
            return
        for read in known[name].reads:
            yield from walk(read, (*path, name))
        done.add(name)

    for name in documents:
        yield from walk(name, ())
