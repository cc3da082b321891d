"""Accounts in the form in which they are held against each other."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.matching import company, listed, web_domain
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation
from sfsync.audit.rule import OptionalNeed

#: Sites on which companies have a page, and not their own.
_HOSTS = ("facebook.com", "linkedin.com", "instagram.com", "twitter.com", "x.com", "xing.com", "youtube.com")

_KEYS = """
SELECT
  a.Id AS account_id,
  a.CreatedDate AS born_at,
  a.ParentId AS parent_id,
  NULLIF({name}, '') AS firm,
  CASE WHEN {web} IN ({hosts}) OR {web} NOT LIKE '%_._%' THEN NULL ELSE {web} END AS web
FROM sf.Account AS a
"""


def _query(context: AuditContext) -> exp.Query:
    how = context.definitions.duplicates
    hosts = listed((*_HOSTS, *how.public_domains))
    return parse_select(_KEYS.format(name=company("a.Name", how), web=web_domain("a.Website"), hosts=hosts))


RELATION = Relation(
    name="account_match_keys",
    about="One row a live account: its name without the legal form, in small letters, and the domain of its website.",
    columns={"account_id": "text", "born_at": "datetime", "parent_id": "text", "firm": "text", "web": "text"},
    needs={"Account": {"Id": "text", "Name": "text"}},
    optional=(
        OptionalNeed(object="Account", fields={"Website": "text", "ParentId": "text", "CreatedDate": "datetime"}),
    ),
    query=_query,
)
