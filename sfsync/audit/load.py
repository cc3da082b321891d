"""Reads the rules: those that come with sfsync, and a project's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from sfsync.audit.relations.load import Relations, load_relations, read_relations, survey_relations
from sfsync.audit.rule import Rule
from sfsync.audit.validate import rule_problems
from sfsync.config.document import Document
from sfsync.config.problems import read_model
from sfsync.config.spelling import suggestion
from sfsync.config.yaml_reader import parse_yaml, read_yaml
from sfsync.errors import ConfigError, Problem, RuleError, UsageError

#: Where the rules lie that come with sfsync.
PACKAGED = Path(__file__).parent / "rules"

#: The order in which groups are shown: as a lead becomes an opportunity. Groups of one's own come after.
GROUP_ORDER = ("SY", "LI", "LQ", "LA", "CV", "FM", "OP", "FC", "PL", "DU", "OW", "RI", "MC")


def load_rules(rules_dir: Path | None = None) -> tuple[Rule, ...]:
    """Every rule, in the order in which they are shown.

    Args:
        rules_dir: Folder of a project's own rules; a folder that does not exist holds none.

    Raises:
        RuleError: Names every problem in every file.
    """
    rules, problems = survey_rules(rules_dir, trusting=True)
    if problems:
        raise RuleError(problems)
    return rules


def survey_rules(
    rules_dir: Path | None = None, *, trusting: bool = False
) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """Every rule that is in order, and what is wrong with the other files.

    Args:
        rules_dir: Folder of a project's own rules.
        trusting: Take what is packaged as it is: it was held against itself before it was packaged.
    """
    rules, found = _packaged_rules(trusting=trusting)
    if rules_dir is None or not rules_dir.is_dir():
        return tuple(sorted(rules, key=_shown_order)), (*survey_relations()[1], *found)
    relations, problems = survey_relations(rules_dir / "relations")
    own, of_own = _survey(sorted(rules_dir.glob("*.yml")), rules_dir.name, relations, taken=rules)
    return tuple(sorted((*rules, *own), key=_shown_order)), (*problems, *found, *of_own)


def load_folder(folder: Path) -> tuple[Rule, ...]:
    """The rules of one folder alone. Raises `RuleError`, and `UsageError` when there is none."""
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise UsageError(f"there is no rule in {folder}", hint="a rule is a file `*.yml`")
    relations, problems = survey_relations(folder / "relations")
    rules, found = _survey(files, folder.name, relations)
    if problems or found:
        raise RuleError([*problems, *found])
    return tuple(sorted(rules, key=_shown_order))


def parse_rule(text: str, name: str) -> Rule:
    """One rule from the text of its file; `name` is how messages call it. Raises `RuleError`."""
    try:
        document = parse_yaml(text, name)
    except ConfigError as error:
        raise RuleError(error.problems) from None
    return _rule(document, load_relations())


def find_rules(rules: Sequence[Rule], codes: Sequence[str]) -> tuple[Rule, ...]:
    """The rules whose ids begin with one of the codes; all of them without a code. Raises `UsageError`."""
    wanted = [code.upper() for code in codes]
    for code in wanted:
        if not any(rule.id.startswith(code) for rule in rules):
            find_rule(rules, code)  # says that there is none, and what is near
    return tuple(rule for rule in rules if not wanted or rule.id.startswith(tuple(wanted)))


def find_rule(rules: Iterable[Rule], rule_id: str) -> Rule:
    """The rule of this id. Raises `UsageError` with the nearest one."""
    known = {rule.id: rule for rule in rules}
    found = known.get(rule_id.upper())
    if found is None:
        raise UsageError(
            f"there is no rule `{rule_id}`", hint=suggestion(rule_id, known) or "`sfsync rule list` shows all of them"
        )
    return found


@lru_cache(maxsize=2)
def _packaged_rules(*, trusting: bool) -> tuple[list[Rule], list[Problem]]:
    files = sorted(PACKAGED.glob("*.yml"))
    return _survey(files, "sfsync/audit/rules", survey_relations()[0], trusting=trusting)


def _survey(
    files: Iterable[Path],
    folder: str,
    relations: Relations,
    *,
    taken: Iterable[Rule] = (),
    trusting: bool = False,
) -> tuple[list[Rule], list[Problem]]:
    rules: list[Rule] = []
    problems: list[Problem] = []
    owners = dict.fromkeys((rule.id for rule in taken), "sfsync itself")
    for file in files:
        try:
            document = read_yaml(file, f"{folder}/{file.name}")
            rule = _rule(document, relations, trusting=trusting)
        except ConfigError as error:
            problems += error.problems
            continue
        if rule.id in owners:
            hint = "choose another id; a rule of sfsync is changed in sfsync.yml under `rules:`"
            problems.append(document.problem("id", message=f"{rule.id} is taken by {owners[rule.id]}", hint=hint))
        owners.setdefault(rule.id, document.name)
        rules.append(rule)
    return rules, problems


def _rule(document: Document, relations: Relations, *, trusting: bool = False) -> Rule:
    said = read_model(Rule, document, error=RuleError)
    texts = (said.eligible, said.sql, *(p.sql for p in said.params.values() if p.sql is not None))
    rule = said.with_relations(read_relations(texts, relations))
    if trusting:
        return rule
    problems = rule_problems(rule, document, relations)
    if problems:
        raise RuleError(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    return rule


def _shown_order(rule: Rule) -> tuple[int, str]:
    code = rule.id.rstrip("0123456789")
    return (GROUP_ORDER.index(code) if code in GROUP_ORDER else len(GROUP_ORDER), rule.id)
