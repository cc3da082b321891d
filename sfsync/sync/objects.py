"""Which objects a pull mirrors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sfsync.config.spelling import nearest_name
from sfsync.errors import ConfigError, Problem, UsageError
from sfsync.sync.selection import EVERY_RECORD, Selection

#: What lead conversion and qualification audits need; each is mirrored if the org has it and the user may read it.
DEFAULT_OBJECTS = (
    "LeadStatus",
    "OpportunityStage",
    "User",
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "OpportunityHistory",
)


def choose_objects(
    available: Mapping[str, bool],
    requested: Sequence[str] | None,
    needed_by_mappings: Iterable[str] = (),
    selections: Mapping[str, Selection] | None = None,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The objects to mirror, and those left out with the reason.

    Args:
        available: API name → whether the user may query it, as the org lists them.
        requested: Names the user chose (any case), or None for the default set.
        needed_by_mappings: Objects that mappings show; added to either.
        selections: Where in a file the names stand, for messages.

    Raises:
        UsageError: A requested object does not exist in the org, or may not be read.
        ConfigError: So does one that a file names; tells all of them.
    """
    spelled = {name.casefold(): name for name in available}
    chosen: list[str] = []
    left_out: dict[str, str] = {}
    problems: list[Problem] = []
    for wanted in [*(requested if requested is not None else DEFAULT_OBJECTS), *needed_by_mappings]:
        name = spelled.get(wanted.casefold())
        if name is not None and available[name]:
            if name not in chosen:
                chosen.append(name)
            continue
        reason = "the org does not have it, or this user may not see it" if name is None else "it cannot be queried"
        if requested is not None and wanted in requested:
            near = nearest_name(wanted, available) if name is None else None
            hint = f"did you mean `{near}`?" if near else "check the user's permissions"
            origin = (selections or {}).get(wanted, EVERY_RECORD).origin
            if origin is None:
                raise UsageError(f"object {wanted}: {reason}", hint=hint)
            problems.append(origin.problem((), f"object `{wanted}`: {reason}", hint))
        left_out[wanted] = reason
    if problems:
        raise ConfigError(problems, hint="nothing was read from the org; correct the list of objects and pull again")
    return tuple(chosen), left_out
