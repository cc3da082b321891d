"""Open leads in the form in which they are held against each other."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.matching import company, digits, domain, letters, listed, mailbox, sound
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation
from sfsync.audit.rule import OptionalNeed

_KEYS = """
SELECT
  k.lead_id AS lead_id,
  k.born_at AS born_at,
  NULLIF(k.mail, '') AS mail,
  CASE WHEN {domain} IN ({public}) THEN NULL ELSE NULLIF({domain}, '') END AS mail_domain,
  k.phone AS phone,
  NULLIF(k.family, '') AS family,
  NULLIF(k.given, '') AS given,
  NULLIF(k.firm, '') AS firm,
  {sound} AS sound
FROM (
  SELECT
    o.lead_id AS lead_id,
    o.created_at AS born_at,
    CASE WHEN l.Email LIKE '%_@_%' THEN {mail} ELSE '' END AS mail,
    COALESCE({mobile}, {phone}) AS phone,
    {family} AS family,
    COALESCE({given}, '') AS given,
    COALESCE({firm}, '') AS firm
  FROM open_leads AS o
  JOIN sf.Lead AS l ON l.Id = o.lead_id
) AS k
"""


def _query(context: AuditContext) -> exp.Query:
    how = context.definitions.duplicates
    return parse_select(
        _KEYS.format(
            domain=domain("k.mail"),
            public=listed(how.public_domains),
            sound=sound("k.family"),
            mail=mailbox("l.Email", how),
            mobile=digits("l.MobilePhone"),
            phone=digits("l.Phone"),
            family=letters("l.LastName"),
            given=letters("l.FirstName"),
            firm=company("l.Company", how),
        )
    )


RELATION = Relation(
    name="lead_match_keys",
    about=(
        "One row an open lead: mailbox and its domain (NULL for public ones), digits of its number, names in small "
        "letters, the company without its legal form, and what the family name sounds like."
    ),
    columns={
        "lead_id": "text",
        "born_at": "datetime",
        "mail": "text",
        "mail_domain": "text",
        "phone": "text",
        "family": "text",
        "given": "text",
        "firm": "text",
        "sound": "text",
    },
    needs={"Lead": {"Id": "text", "LastName": "text"}},
    optional=(
        OptionalNeed(object="Lead", fields={"Email": "text"}, otherwise="e-mail addresses are not compared"),
        OptionalNeed(object="Lead", fields={"Phone": "text"}, otherwise="telephone numbers are not compared"),
        OptionalNeed(object="Lead", fields={"MobilePhone": "text"}),
        OptionalNeed(object="Lead", fields={"FirstName": "text"}, otherwise="given names are not compared"),
        OptionalNeed(object="Lead", fields={"Company": "text"}, otherwise="companies are not compared"),
    ),
    reads=("open_leads",),
    query=_query,
)
