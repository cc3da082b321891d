"""Which rules run: what is selected and ignored, by option or profile, and what is turned off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sfsync.audit.overrides import ResolvedRule, check_profile
from sfsync.config.rule_settings import BUILT_IN_PROFILES, ProfileSettings
from sfsync.config.settings import Settings
from sfsync.config.spelling import suggestion
from sfsync.errors import UsageError


@dataclass(frozen=True, slots=True)
class Choice:
    """The rules of one audit.

    Attributes:
        running: Those that run, in the order shown.
        turned_off: Ids of those that were meant, and that sfsync.yml turns off.
        off_by_default: Ids of those that were meant, and that run only when named.
    """

    running: tuple[ResolvedRule, ...]
    turned_off: tuple[str, ...]
    off_by_default: tuple[str, ...]


def profile_of(settings: Settings, name: str | None) -> ProfileSettings:
    """The profile of this name: built in, or the project's own. Without a name, one that changes nothing.

    Raises:
        UsageError: There is none.
    """
    check_profile(settings, name)
    return ProfileSettings() if name is None else settings.every_profile[name]


def choose(
    rules: Sequence[ResolvedRule],
    settings: Settings,
    *,
    select: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    profile: str | None = None,
) -> Choice:
    """Choose the rules of an audit.

    A longer code wins over a shorter one, and of the same length the ignored one: `select CV, ignore CV006` leaves one
    out, `select CV001, ignore CV` runs one. A rule that is off runs when its whole id is selected.

    Args:
        rules: All rules there are.
        settings: Holds the profiles.
        select: Ids or what they begin with; instead of the profile's.
        ignore: Ids or what they begin with; besides the profile's.
        profile: The profile that holds.

    Raises:
        UsageError: There is no such profile, or a code fits no rule.
    """
    of_profile = profile_of(settings, profile)
    wanted = _codes(select or ())
    unwanted = _codes(ignore or ())
    _check(rules, (*wanted, *unwanted))
    if not wanted:
        wanted = of_profile.select or ()
        if profile not in settings.profiles and profile in BUILT_IN_PROFILES:
            wanted = tuple(code for code in wanted if any(each.rule.id.startswith(code) for each in rules))
    unwanted = (*unwanted, *of_profile.ignore)
    meant = [each for each in rules if _longest(wanted or ("",), each) > _longest(unwanted, each)]
    running = [each for each in meant if each.enabled or each.rule.id in wanted]
    off = [each for each in meant if not each.enabled and each.rule.id not in wanted]
    by_default = [each.rule.id for each in off if each.origins.get("enabled") is None or _is_default(each)]
    return Choice(tuple(running), tuple(o.rule.id for o in off if o.rule.id not in by_default), tuple(by_default))


def _is_default(rule: ResolvedRule) -> bool:
    return rule.origins["enabled"].layer == "default"


def _codes(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word.strip().upper() for listed in words for word in listed.split(",") if word.strip())


def _check(rules: Sequence[ResolvedRule], codes: Iterable[str]) -> None:
    ids = [each.rule.id for each in rules]
    for code in codes:
        if not any(each.startswith(code) for each in ids):
            groups = sorted({each.rstrip("0123456789") for each in ids})
            hint = suggestion(code, ids) or f"known groups: {', '.join(groups)}"
            raise UsageError(f"no rule is called `{code}` or begins with it", hint=hint)


def _longest(codes: Iterable[str], rule: ResolvedRule) -> int:
    """Length of the longest code that fits; -1 where none does."""
    return max((len(code) for code in codes if rule.rule.id.startswith(code)), default=-1)
