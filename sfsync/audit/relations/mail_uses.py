"""Who uses which e-mail address."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.matching import mailbox
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation
from sfsync.audit.rule import OptionalNeed

_USES = """
SELECT
  'Lead' AS object,
  l.Id AS record_id,
  {lead_mail} AS mail,
  LOWER(TRIM(COALESCE(l.FirstName || ' ', '') || COALESCE(l.LastName, ''))) AS person,
  l.CreatedDate AS born_at,
  CASE WHEN l.IsConverted THEN 'converted' WHEN s.status IS NULL THEN 'open' ELSE 'disqualified' END AS standing,
  l.ConvertedContactId AS contact_id
FROM sf.Lead AS l
LEFT JOIN lead_status AS s ON s.status = l.Status AND s.phase = 'disqualified'
WHERE l.Email LIKE '%_@_%'
UNION ALL
SELECT
  'Contact' AS object,
  c.Id AS record_id,
  {contact_mail} AS mail,
  LOWER(TRIM(COALESCE(c.FirstName || ' ', '') || COALESCE(c.LastName, ''))) AS person,
  c.CreatedDate AS born_at,
  CASE WHEN c.EmailBouncedDate IS NULL THEN 'contact' ELSE 'bounced' END AS standing,
  c.Id AS contact_id
FROM sf.Contact AS c
WHERE c.Email LIKE '%_@_%'
"""


def _query(context: AuditContext) -> exp.Query:
    how = context.definitions.duplicates
    return parse_select(_USES.format(lead_mail=mailbox("l.Email", how), contact_mail=mailbox("c.Email", how)))


RELATION = Relation(
    name="mail_uses",
    about=(
        "One row a live lead or contact with an e-mail address: the mailbox, the person's name, and how the record "
        "stands (open, converted, disqualified; contact, or bounced where the address no longer works)."
    ),
    columns={
        "object": "text",
        "record_id": "text",
        "mail": "text",
        "person": "text",
        "born_at": "datetime",
        "standing": "text",
        "contact_id": "text",
    },
    needs={"Lead": {"Id": "text", "Email": "text", "IsConverted": "boolean"}},
    optional=(
        OptionalNeed(
            object="Lead",
            fields={
                "FirstName": "text",
                "LastName": "text",
                "Status": "text",
                "CreatedDate": "datetime",
                "ConvertedContactId": "text",
            },
        ),
        OptionalNeed(
            object="Contact",
            fields={"Id": "text", "Email": "text", "FirstName": "text", "LastName": "text", "CreatedDate": "datetime"},
        ),
        OptionalNeed(object="Contact", fields={"EmailBouncedDate": "datetime"}),
        OptionalNeed(notion="lead_status.disqualified"),
    ),
    reads=("lead_status",),
    query=_query,
)
