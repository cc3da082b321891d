"""E-mail addresses that several people use, so that they do not make two records one."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.matching import listed, local_part
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation

_SHARED = """
WITH people AS (
  SELECT u.mail AS mail, u.person AS person, COUNT(*) AS records
  FROM mail_uses AS u
  WHERE u.mail IN (SELECT r.mail AS mail FROM mail_uses AS r GROUP BY r.mail HAVING COUNT(*) > 1)
  GROUP BY u.mail, u.person
),
counted AS (
  SELECT p.mail AS mail, COUNT(*) AS people, SUM(p.records) AS records
  FROM people AS p
  GROUP BY p.mail
)
SELECT
  c.mail AS mail,
  c.people AS people,
  c.records AS records,
  CASE
    WHEN c.mail IN ({named}) THEN 'listed'
    WHEN {role} IN ({roles}) THEN 'role'
    ELSE 'many people'
  END AS because
FROM counted AS c
WHERE c.mail IN ({named}) OR c.people > {most} OR (c.people > 1 AND {role} IN ({roles}))
"""


def _query(context: AuditContext) -> exp.Query:
    how = context.definitions.duplicates
    return parse_select(
        _SHARED.format(
            named=listed(how.shared_mailboxes),
            roles=listed(how.role_mailboxes),
            role=local_part("c.mail"),
            most=how.people_per_mailbox,
        )
    )


RELATION = Relation(
    name="shared_mailboxes",
    about=(
        "One row an address on several records that is shared: listed in `definitions: {duplicates: …}`, that of a "
        "role (info@…) with two people, or with more people than one mailbox has."
    ),
    columns={"mail": "text", "people": "number", "records": "number", "because": "text"},
    reads=("mail_uses",),
    query=_query,
)
