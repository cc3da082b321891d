"""`sfsync.yml`: everything a project says about its org, its pull, its store and its audits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from sfsync.config.definitions import Definitions
from sfsync.config.document import Document, KeyPath
from sfsync.config.model import Fault, FormatVersion, StrictModel, faulty
from sfsync.config.org_settings import OrgSettings
from sfsync.config.problems import read_model
from sfsync.config.pull_settings import ObjectSettings, PullSettings, may_stand_bare
from sfsync.config.references import Reference
from sfsync.config.rule_settings import (
    BUILT_IN_PROFILES,
    Limit,
    ProfileSettings,
    RuleSettings,
    RuleSettingsMap,
    SegmentSettings,
)
from sfsync.config.spelling import nearest_name, shown
from sfsync.config.versions import Requirement
from sfsync.config.waivers import WaiverList
from sfsync.config.yaml_reader import read_yaml
from sfsync.errors import ConfigError

__all__ = [
    "Limit",
    "ObjectSettings",
    "OrgSettings",
    "ProfileSettings",
    "PullSettings",
    "Reference",
    "RuleSettings",
    "SegmentSettings",
    "Settings",
    "read_settings",
    "settings_from",
    "settings_schema",
]


_PROFILE_NAME = re.compile(r"[a-z][a-z0-9_-]*")

_SCHEMAS = frozenset({"sf", "sf_all", "sf_history", "sfsync", "crm", "main", "temp", "system"})
_STORE_EXAMPLE = "e.g. `.sfsync/mirror.duckdb`"


def _check_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = nearest_name(name, sorted(available_timezones()))
        hint = f"did you mean `{near}`?" if near else "a name of the zone database, like `Europe/Berlin`"
        raise faulty(Fault(f"`{shown(name)}` is not a time zone", hint)) from None
    return name


def _check_requirement(text: str) -> str:
    if Requirement.parse(text) is None:
        raise faulty(Fault(f"`{shown(text)}` is not a version requirement", "e.g. `>=0.1,<1`"))
    return text


def _check_store(path: str) -> str:
    if not path.strip():
        raise faulty(Fault("the path of the store is empty", _STORE_EXAMPLE))
    if "://" in path:
        raise faulty(Fault("the store is the path of a DuckDB file, not an address", _STORE_EXAMPLE))
    # DuckDB names a database after its file, and then takes `sf.Lead` for a table of that database.
    stem = Path(path).name.split(".")[0].casefold()
    if stem in _SCHEMAS:
        raise faulty(Fault(f"a store called `{stem}` would hide the schema of that name", _STORE_EXAMPLE))
    return path


def _check_profile_name(name: str) -> str:
    if not _PROFILE_NAME.fullmatch(name):
        raise faulty(Fault(f"`{shown(name)}` cannot be the name of a profile", "lower case, like `quarter-end`"))
    return name


def _in_project(path: str, info: ValidationInfo) -> str:
    """The path of a file of the project, so that it holds from any folder."""
    if not path.strip():
        raise faulty(Fault("the path is empty", "e.g. `audit-baseline.csv`"))
    root = (info.context or {}).get("root")
    return str(Path(path).expanduser() if root is None else root / Path(path).expanduser())


class Settings(StrictModel):
    """The whole of `sfsync.yml`; every key may be left out.

    Attributes:
        version: Of the file format.
        requires_sfsync: Versions of sfsync this project works with, e.g. `>=0.1,<1`.
        target_org: The org used when no option and no environment variable names one.
        orgs: Alias → how to log in.
        timezone: Of the org: days and months are counted in it.
        fiscal_year_start_month: 1 to 12.
        pull: How the mirror is filled.
        store: Path of the database, relative to the project.
        definitions: What the org means by its own words.
        rules: Rule id, or what several begin with → what is changed about them.
        profiles: Name → which rules run, and how, under `sfsync audit --profile`.
        waivers: Findings to live with, each with a reason and an expiry.
        baseline: File of the findings that were there before anybody looked, relative to the project.
    """

    version: FormatVersion = 1
    requires_sfsync: Annotated[str, AfterValidator(_check_requirement)] | None = None
    target_org: str | None = None
    orgs: dict[str, OrgSettings] = Field(default_factory=dict)
    timezone: Annotated[str, AfterValidator(_check_timezone)] = "UTC"
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    pull: PullSettings = PullSettings()
    store: Annotated[str, AfterValidator(_check_store)] = ".sfsync/mirror.duckdb"
    definitions: Definitions = Definitions()
    rules: RuleSettingsMap = Field(default_factory=dict)
    profiles: dict[Annotated[str, AfterValidator(_check_profile_name)], ProfileSettings] = Field(default_factory=dict)
    waivers: WaiverList = ()
    baseline: Annotated[str, AfterValidator(_in_project)] | None = None

    @model_validator(mode="after")
    def _orgs_know_their_alias(self) -> Self:
        named = {
            alias: org if org.alias else org.model_copy(update={"alias": alias}) for alias, org in self.orgs.items()
        }
        self.__dict__["orgs"] = named
        return self

    @property
    def org_in_force(self) -> str | None:
        """Alias of the org whose settings hold: `target_org`, or the only one there is."""
        if self.target_org is not None:
            return self.target_org
        return next(iter(self.orgs)) if len(self.orgs) == 1 else None

    @property
    def every_profile(self) -> dict[str, ProfileSettings]:
        """The built-in profiles, and the project's own."""
        return {**BUILT_IN_PROFILES, **self.profiles}

    @property
    def zone(self) -> ZoneInfo:
        """The org's time zone."""
        return ZoneInfo(self.timezone)


def read_settings(path: Path, shown_as: str | None = None) -> Settings:
    """Settings of a file. Raises `ConfigError` naming every problem; see `settings_from`."""
    return settings_from(read_yaml(path, shown_as), root=path.parent)


def settings_from(document: Document, *, root: Path | None = None, installed: str | None = None) -> Settings:
    """Settings of a document already read.

    Args:
        document: The file.
        root: Where relative `file:` references count from; the current folder unless given.
        installed: The running sfsync's version; `requires_sfsync` is held against it before anything else is
            judged, because a file for another version may well have other keys.
    """
    wanted = document.data.get("requires_sfsync")
    requirement = Requirement.parse(wanted) if isinstance(wanted, str) else None
    if installed is not None and requirement is not None and not requirement.allows(installed):
        message = f"this project wants sfsync {wanted}, and this is {installed}"
        raise ConfigError([document.problem("requires_sfsync", message=message, hint="install a version that fits")])
    context: Mapping[str, Any] = {} if root is None else {"root": root.absolute()}
    return read_model(Settings, document, context=context, null_allowed=_may_stand_bare)


def _may_stand_bare(path: KeyPath) -> bool:
    # A waiver without a value does not apply, and says so; it is no reason to stop.
    return "params" in path or "by" in path[2:-2] or path[:1] == ("waivers",) or may_stand_bare(path)


def settings_schema() -> dict[str, Any]:
    """JSON Schema of `sfsync.yml`, for editors."""
    schema = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "sfsync.yml"}
