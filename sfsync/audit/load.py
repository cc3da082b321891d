"""Reads the rules: those that come with sfsync, and a project's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

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
    rules = list(_packaged_rules())
    if rules_dir is not None and rules_dir.is_dir():
        rules += _load(sorted(rules_dir.glob("*.yml")), rules_dir.name, taken=rules)
    return tuple(sorted(rules, key=_shown_order))


def load_folder(folder: Path) -> tuple[Rule, ...]:
    """The rules of one folder alone. Raises `RuleError`, and `UsageError` when there is none."""
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise UsageError(f"there is no rule in {folder}", hint="a rule is a file `*.yml`")
    return tuple(sorted(_load(files, folder.name), key=_shown_order))


def parse_rule(text: str, name: str) -> Rule:
    """One rule from the text of its file; `name` is how messages call it. Raises `RuleError`."""
    try:
        document = parse_yaml(text, name)
    except ConfigError as error:
        raise RuleError(error.problems) from None
    return _rule(document)


def select_rules(rules: Sequence[Rule], select: Sequence[str] | None) -> tuple[Rule, ...]:
    """The rules whose id is selected, or begins with a selected code such as `CV`; all of them when None is given."""
    if not select:
        return tuple(rules)
    wanted = [word.strip().upper() for words in select for word in words.split(",") if word.strip()]
    for word in wanted:
        if not any(rule.id.startswith(word) for rule in rules):
            codes = {rule.id.rstrip("0123456789") for rule in rules}
            hint = suggestion(word, [rule.id for rule in rules]) or f"known groups: {', '.join(sorted(codes))}"
            raise UsageError(f"no rule is called `{word}` or begins with it", hint=hint)
    return tuple(rule for rule in rules if rule.id.startswith(tuple(wanted)))


def find_rule(rules: Iterable[Rule], rule_id: str) -> Rule:
    """The rule of this id. Raises `UsageError` with the nearest one."""
    known = {rule.id: rule for rule in rules}
    found = known.get(rule_id.upper())
    if found is None:
        raise UsageError(
            f"there is no rule `{rule_id}`", hint=suggestion(rule_id, known) or "`sfsync rule list` shows all of them"
        )
    return found


@lru_cache(maxsize=1)
def _packaged_rules() -> tuple[Rule, ...]:
    return tuple(_load(sorted(PACKAGED.glob("*.yml")), "sfsync/audit/rules"))


def _load(files: Iterable[Path], folder: str, taken: Iterable[Rule] = ()) -> list[Rule]:
    rules: list[Rule] = []
    problems: list[Problem] = []
    owners = dict.fromkeys((rule.id for rule in taken), "sfsync itself")
    for file in files:
        try:
            document = read_yaml(file, f"{folder}/{file.name}")
            rule = _rule(document)
        except ConfigError as error:
            problems += error.problems
            continue
        if rule.id in owners:
            hint = "choose another id; a rule of sfsync is changed in sfsync.yml under `rules:`"
            problems.append(document.problem("id", message=f"{rule.id} is taken by {owners[rule.id]}", hint=hint))
        owners.setdefault(rule.id, document.name)
        rules.append(rule)
    if problems:
        raise RuleError(problems)
    return rules


def _rule(document: Document) -> Rule:
    rule = read_model(Rule, document, error=RuleError)
    problems = rule_problems(rule, document)
    if problems:
        raise RuleError(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    return rule


def _shown_order(rule: Rule) -> tuple[int, str]:
    code = rule.id.rstrip("0123456789")
    return (GROUP_ORDER.index(code) if code in GROUP_ORDER else len(GROUP_ORDER), rule.id)
