"""A project: the folder with `sfsync.yml` in it, and everything a command needs to know before it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sfsync import __version__
from sfsync.config.document import Document
from sfsync.config.pull_settings import object_path
from sfsync.config.settings import Settings, settings_from
from sfsync.config.yaml_reader import read_yaml
from sfsync.errors import ConfigError, Problem, SoqlError, UsageError
from sfsync.soql import parse_condition

SETTINGS_FILE = "sfsync.yml"
STATE_FOLDER = ".sfsync"


@dataclass(frozen=True)
class Project:
    """One project folder, with its settings read.

    Attributes:
        root: The folder, absolute.
        settings: Its `sfsync.yml`, or the defaults where there is none.
        document: The file behind `settings`, for places in messages; None where there is none.
    """

    root: Path
    settings: Settings = field(default_factory=Settings)
    document: Document | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What the project is called: its folder."""
        return self.root.name or "sfsync"

    @property
    def store_path(self) -> Path:
        """The mirror's database file."""
        return self.root / Path(self.settings.store).expanduser()

    @property
    def mappings_dir(self) -> Path:
        """Where the mappings are; may be missing."""
        return self.root / "mappings"

    @property
    def rules_dir(self) -> Path:
        """Where the project's own audit rules are; may be missing."""
        return self.root / "rules"

    @property
    def state_dir(self) -> Path:
        """`.sfsync`, made when missing: readable by its owner alone, and never part of a git repository."""
        folder = self.root / STATE_FOLDER
        if not folder.is_dir():
            _make_state_folder(folder)
        return folder


def _make_state_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text(
                "# The mirror holds people's data: nothing in here belongs in a repository.\n*\n", "utf-8"
            )
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"the folder {folder} cannot be made: {reason}", hint="check permissions, or choose another --project"
        ) from None


def find_project(explicit: Path | None = None, *, start: Path | None = None, must_exist: bool = True) -> Project:
    """The project a command works on.

    Args:
        explicit: A folder the user named (or its `sfsync.yml`); works without settings, too: then defaults hold.
        start: Where to look upward from; the current folder unless given.
        must_exist: False gives `start` with default settings where no project is found, and allows an explicit
            folder that does not exist yet.

    Raises:
        UsageError: There is no project.
        ConfigError: Its `sfsync.yml` has problems.
    """
    if explicit is not None:
        return _explicit_project(explicit, must_exist=must_exist)
    begin = (start or Path.cwd()).absolute()
    for folder in (begin, *begin.parents):
        if (folder / SETTINGS_FILE).is_file():
            if folder != begin:
                _refuse_foreign(folder / SETTINGS_FILE)
            return _read_project(folder)
    if must_exist:
        raise UsageError(
            f"no {SETTINGS_FILE} in {begin} or above",
            hint="run `sfsync init` to start a project here, or name one with --project DIR",
        )
    return Project(begin)


def _explicit_project(named: Path, *, must_exist: bool) -> Project:
    root = (named.parent if named.name == SETTINGS_FILE and named.is_file() else named).absolute()
    if root.exists() and not root.is_dir():
        raise UsageError(f"{named} is not a folder", hint="--project names the folder that holds sfsync.yml")
    if must_exist and not root.exists():
        raise UsageError(f"there is no folder {named}", hint="make it first, or run `sfsync init DIR`")
    return _read_project(root) if (root / SETTINGS_FILE).exists() else Project(root)


def _read_project(root: Path) -> Project:
    document = read_yaml(root / SETTINGS_FILE, SETTINGS_FILE)
    settings = settings_from(document, root=root, installed=__version__)
    problems = list(_unreadable_filters(settings, document))
    if problems:
        raise ConfigError(problems)
    return Project(root, settings, document)


def _unreadable_filters(settings: Settings, document: Document) -> Iterator[Problem]:
    """Filters of `pull.objects` that are no SOQL, each at the character where it goes wrong."""
    for name, chosen in (settings.pull.objects or {}).items():
        try:
            parse_condition(chosen.filter or "Id != null")
        except SoqlError as error:
            line, column = document.place_in_text((*object_path(document, name), "filter"), error.row, error.column)
            # Without the excerpt that Salesforce puts before its sentence: the place in the file says it better.
            message = f"the filter cannot be read: {error.context.get('text') or error.message}"
            yield Problem(document.name, line, column, message, error.hint)


def _refuse_foreign(file: Path) -> None:
    """A settings file found by searching upward decides where logins go, so a stranger's must not be taken."""
    if hasattr(os, "getuid") and file.stat().st_uid not in (os.getuid(), 0):
        raise UsageError(
            f"{file} belongs to another user",
            hint=f"if you trust it, name it: --project {file.parent}",
        )


@dataclass(frozen=True, slots=True)
class Created:
    """What `create_project` did: paths relative to the project, written or left as they were."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def create_project(root: Path, mappings: Mapping[str, str], *, target_org: str | None = None) -> Created:
    """Start a project: settings, mappings and a `.gitignore`. Nothing that exists is touched.

    Args:
        root: The folder; made when missing.
        mappings: File name → content, put into `mappings/`.
        target_org: Alias of the org to name in the settings.

    Raises:
        UsageError: There is a project here already, or the folder cannot be written.
    """
    if (root / SETTINGS_FILE).exists():
        raise UsageError(f"{root / SETTINGS_FILE} exists already", hint="edit it, or choose another folder")
    files = {f"mappings/{name}": text for name, text in mappings.items()}
    files[".gitignore"] = _GITIGNORE
    # Last: a folder with settings in it is a whole project, so one that was interrupted can be started again.
    files[SETTINGS_FILE] = _settings_text(target_org)
    written, kept = [], []
    try:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() or path.is_symlink():
                kept.append(name)
                continue
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            written.append(name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the project cannot be written to {root}: {reason}", hint="check permissions") from None
    return Created(tuple(written), tuple(kept))


_GITIGNORE = """\
# The mirror and reports hold people's data.
.sfsync/
*.duckdb
*.duckdb.*
report*.html
*.csv
*.parquet
!mappings/**/*.csv

# Secrets
.env
*.pem
*.key
secrets/
"""


def _settings_text(target_org: str | None) -> str:
    """The commented `sfsync.yml` of a new project."""
    chosen = f"target_org: {_quoted(target_org)}" if target_org else "# target_org: prod"
    return _SETTINGS.replace("@target_org@", chosen)


def _quoted(text: str) -> str:
    """A text as a YAML scalar that means exactly itself."""
    return "'" + "".join(char for char in text if char.isprintable()).replace("'", "''") + "'"


_SETTINGS = """\
# Settings of this sfsync project. Every key may be left out; the values in comments are the defaults.
version: 1

# The org that commands talk to: a key of `orgs` below, or an alias that the sf CLI knows.
# `--target-org` and SF_TARGET_ORG come before it.
@target_org@

# How to log in. Without an entry, sfsync uses the sf CLI's login of that alias, or SF_ACCESS_TOKEN and
# SF_ORG_INSTANCE_URL. Secrets never stand here: write ${VARIABLE} or file:PATH.
# orgs:
#   prod:
#     auth: jwt                     # access_token | client_credentials | jwt | password | sf_cli
#     username: integration@example.com
#     client_id: ${SF_CLIENT_ID}
#     private_key_file: secrets/prod.pem

# Of the org: days, months and quarters are counted in it.
# timezone: UTC
# fiscal_year_start_month: 1

# pull:
#   objects: [Lead, Opportunity, Account, Contact, User, OpportunityHistory, LeadStatus, OpportunityStage]
#   # A part of an object: [User, {Lead: {filter: "LeadSource != 'Test'", since: 2024-01-01, exclude: [Description]}}]
#   lag: 5m                         # how far behind the org's clock a pull ends
#   overlap: 10m                    # how much of the time already read is read again
#   bulk_threshold: 5000            # records from which on the Bulk API is used
#   concurrency: 4                  # objects that are read at the same time
#   history: true                   # superseded versions are kept, for `sfsync query --as-of`
#   most_vanished: 5%               # more records than that are not taken for deleted without a look
#   formulas: {every: 1d, calls: 200}   # formulas and roll-ups move by themselves: how often they are read again
#   budget: {reserve: 10%}          # left for people; also calls_per_run, calls_per_day, bulk_jobs_per_run/_per_day

# store: .sfsync/mirror.duckdb

# What your org means by its own words. Audits that need a definition say so until it is here.
# definitions:
#   lead_status:
#     new: [Open - Not Contacted]
#     working: [Working - Contacted]
#     qualified: [Closed - Converted]
#     disqualified: [Closed - Not Converted]
#   frameworks:
#     BANT:
#       min: 3                      # of the criteria below; all of them unless given
#       budget: [{field: AnnualRevenue, min: 1}]
#       authority: [Title]
#       need: [Industry]
#       timeline: [{field: Rating, in: [Hot, Warm]}]

# Changes to single audit rules; `sfsync rule explain LA004` shows a rule's parameters.
# rules:
#   LA004: {severity: warning, params: {days: 90}}
#   LI001: {enabled: false}
"""
