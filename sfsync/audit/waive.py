"""Waivers held against an audit: which of them apply, to what, and which have to be told about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sfsync.audit.rule import Rule
from sfsync.config.document import Document
from sfsync.config.settings import Settings
from sfsync.config.spelling import suggestion
from sfsync.config.waivers import Waiver, place_of_waiver, read_waivers
from sfsync.errors import ConfigError, Problem
from sfsync.store.interface import Session

#: Waivers that end within so many days are told, so that somebody decides again in time.
SOON = timedelta(days=30)

#: So many rows are put into one statement.
_ROWS = 200


@dataclass(frozen=True, slots=True)
class AppliedWaiver:
    """A waiver in order, and what became of it.

    Attributes:
        number: Its place in the list, from 1.
        place: `file:line:column`.
        waiver: What it says.
        expired: It ended before the day of the mirror, so it does not apply.
        expires_soon: It ends within 30 days of it.
        findings: How many it covers; None until the audit is over.
        judged: A rule it names was judged.
    """

    number: int
    place: str
    waiver: Waiver
    expired: bool = False
    expires_soon: bool = False
    findings: int = 0
    judged: bool = False

    @property
    def unused(self) -> bool:
        """It covers nothing although what it names was judged."""
        return self.judged and not self.expired and not self.findings


@dataclass(frozen=True, slots=True)
class Waivers:
    """All waivers of a project.

    Attributes:
        listed: Those in order, expired ones among them.
        malformed: What is wrong with the others; none of them applies.
    """

    listed: tuple[AppliedWaiver, ...] = ()
    malformed: tuple[Problem, ...] = ()

    @property
    def applying(self) -> tuple[AppliedWaiver, ...]:
        """Those that have not expired."""
        return tuple(each for each in self.listed if not each.expired)

    def of_rule(self, rule_id: str) -> tuple[AppliedWaiver, ...]:
        """Those that apply to a rule."""
        return tuple(each for each in self.applying if rule_id.startswith(each.waiver.rule))


def resolve_waivers(
    settings: Settings, rules: Iterable[Rule], document: Document | None, today: date | None
) -> Waivers:
    """The waivers of sfsync.yml, as of the mirror's day.

    Args:
        settings: Hold the list.
        rules: All rules there are.
        document: sfsync.yml as read.
        today: The day of the mirror in the org's time zone.

    Raises:
        ConfigError: A waiver names a rule that does not exist: it would hide nothing, and nobody would know.
    """
    read = read_waivers(settings.waivers, document)
    ids = [rule.id for rule in rules]
    unknown = [_unknown(number, waiver.rule, ids, document) for number, waiver in read.sound.items()]
    problems = [problem for problem in unknown if problem is not None]
    if problems:
        raise ConfigError(problems)
    listed = tuple(
        AppliedWaiver(
            number + 1,
            place_of_waiver(number, document),
            waiver,
            expired=today is not None and waiver.expires < today,
            expires_soon=today is not None and today <= waiver.expires <= today + SOON,
        )
        for number, waiver in read.sound.items()
    )
    return Waivers(listed, tuple(problem for found in read.problems.values() for problem in found))


def _unknown(number: int, rule: str, ids: Sequence[str], document: Document | None) -> Problem | None:
    if any(rule_id.startswith(rule) for rule_id in ids):
        return None
    message = f"no rule is called `{rule}` or begins with it"
    hint = suggestion(rule, ids) or "`sfsync rule list` shows all rules"
    if document is None:
        return Problem(place_of_waiver(number, None), None, None, message, hint)
    return document.problem("waivers", number, "rule", message=message, hint=hint)


def store_waivers(session: Session, waivers: Waivers) -> None:
    """Put the waivers that apply into the temporary table `audit_waivers`, where findings are held against them."""
    session.execute("DROP TABLE IF EXISTS audit_waivers")
    session.execute(
        "CREATE TEMPORARY TABLE audit_waivers (number INTEGER, prefix VARCHAR, record_id VARCHAR, field VARCHAR)"
    )
    rows = [_row(each) for each in waivers.applying]
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        marks = ", ".join("(?, ?, ?, ?)" for _ in part)
        session.execute(f"INSERT INTO audit_waivers VALUES {marks}", [cell for row in part for cell in row])


def _row(each: AppliedWaiver) -> tuple[int, str, str | None, str | None]:
    field = each.waiver.field
    return each.number, each.waiver.rule, each.waiver.record, None if field is None else field.casefold()


def count_uses(waivers: Waivers, uses: Mapping[int, int], judged: Sequence[str]) -> Waivers:
    """The waivers with what each of them covers.

    Args:
        waivers: As resolved.
        uses: Number of the waiver → findings.
        judged: Ids of the rules that were judged.
    """
    return replace(
        waivers,
        listed=tuple(
            replace(
                each,
                findings=uses.get(each.number, 0),
                judged=any(rule_id.startswith(each.waiver.rule) for rule_id in judged),
            )
            for each in waivers.listed
        ),
    )
