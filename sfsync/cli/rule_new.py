"""`sfsync rule new`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from sfsync.cli.console import Console
from sfsync.cli.new_file import write_new
from sfsync.cli.options import json_option, pass_console, project_option
from sfsync.errors import UsageError

HELP = """Begin a rule of your own: a file in rules/ that finds something already, with examples that hold.

CODE is two or more capitals and three digits, e.g. ACME001; it must be free.

\b
Examples:
  sfsync rule new ACME001
  sfsync rule new ACME002 --object Opportunity --name no-next-step
"""

_CODE = re.compile(r"[A-Z]{2,12}[0-9]{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_{1,2}[A-Za-z0-9]+)*")

#: Records of standard objects begin with these; those of other objects with something of the org's own.
_PREFIXES = {"Lead": "00Q", "Opportunity": "006", "Account": "001", "Contact": "003", "User": "005", "Campaign": "701"}

TEMPLATE = """\
version: 1
id: {code}
name: {name}
title: The description is missing
group: our own
since: "1"
object: {object}
population: {object} records older than the grace time
severity: warning
confidence: certain

why: >
  Say what it costs when this is wrong.
remedy: >
  Say what to do about a finding.
caveats:
  - Say when a finding may be wrong, and what the rule cannot see.

# What sfsync.yml may set: `rules: {{{code}: {{params: {{grace_days: 3}}}}}}`. In SQL it is `$grace_days`.
params:
  grace_days: {{type: integer, default: 7, minimum: 0, unit: days, about: How long a new record may be left alone.}}

# Without one of these fields the rule says that it cannot judge, and why.
needs:
  {object}: {{Id: text, Description: text, CreatedDate: datetime}}

# Whom it judges: the number that findings are counted against. `$today` is the day of the mirror; there is no clock.
eligible: |
  SELECT r.Id AS record_id
  FROM sf.{object} AS r
  WHERE DATE_DIFF('day', local_date(r.CreatedDate), $today) >= $grace_days
# What it finds among them. Columns but `record_id`, `severity`, `discriminator` and `breakdown` are for the message.
sql: |
  SELECT e.record_id AS record_id, local_date(r.CreatedDate) AS created_on
  FROM eligible AS e
  JOIN sf.{object} AS r ON r.Id = e.record_id
  WHERE is_blank(r.Description)
message: Created on {{created_on}}, and nobody has described it

# `sfsync rule test {code}` tries these. The mirror's time is 2026-01-31 12:00 UTC unless an example says otherwise.
examples:
  - name: a record without a description is found
    given:
      {object}:
        - {{Id: {record_1}, Description: null, CreatedDate: 2026-01-10T08:00:00Z}}
        - {{Id: {record_2}, Description: Called twice, CreatedDate: 2026-01-10T08:00:00Z}}
    finds:
      - {{Id: {record_1}, message: "Created on 2026-01-10, and nobody has described it"}}
    eligible: 2
  - name: a new record is left alone
    given:
      {object}: [{{Id: {record_1}, Description: null, CreatedDate: 2026-01-30T08:00:00Z}}]
    finds: []
    eligible: 0
  - name: without the description nothing can be said
    without: [{object}.Description]
    given:
      {object}: [{{Id: {record_1}, CreatedDate: 2026-01-10T08:00:00Z}}]
    not_evaluable: {object}.Description
"""


@click.command("new", help=HELP, short_help="Begin a rule of your own.")
@click.argument("code", metavar="CODE")
@click.option("--name", default="no-description", show_default=True, metavar="NAME", help="Short, with dashes.")
@click.option("--object", "object_name", default="Lead", show_default=True, metavar="OBJECT", help="What it judges.")
@project_option
@json_option
@pass_console
def new(console: Console, code: str, name: str, object_name: str, project: Path | None) -> None:
    """Write rules/CODE-NAME.yml."""
    from sfsync.audit.load import survey_rules
    from sfsync.project import find_project

    _check(code, name, object_name)
    found = find_project(project)
    if any(rule.id == code for rule in survey_rules(found.rules_dir)[0]):
        raise UsageError(f"there is a rule {code} already", hint=f"`sfsync rule explain {code}` shows it")
    path = found.rules_dir / f"{code}-{name}.yml"
    prefix = _PREFIXES.get(object_name, "a00")
    text = TEMPLATE.format(
        code=code,
        name=name,
        object=object_name,
        record_1=f"{prefix}Fk0000000001MAA",
        record_2=f"{prefix}Fk0000000002MAA",
    )
    write_new(path, text)

    def human() -> None:
        console.out(f"{path} is a rule that works: change it step by step")
        console.next_step(f"`sfsync rule test {code}` tries it, `sfsync audit --select {code}` runs it")

    console.finish({"id": code, "file": str(path)}, human)


def _check(code: str, name: str, object_name: str) -> None:
    """Raise `UsageError` for what cannot be the code, name or object of a rule."""
    if not _CODE.fullmatch(code):
        raise UsageError(f"`{code}` cannot be the id of a rule", hint="two or more capitals and three digits: ACME001")
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` cannot be the name of a rule", hint="lower case with dashes: no-next-step")
    if not _OBJECT.fullmatch(object_name):
        raise UsageError(f"`{object_name}` is not the API name of an object", hint="e.g. Opportunity or Deal__c")
