"""Pairs of open leads that may be one person: found by what they share at first glance, then scored."""

from __future__ import annotations

from sqlglot import exp

from sfsync.audit.context import AuditContext
from sfsync.audit.portable import parse_select
from sfsync.audit.relations.relation import Relation

_PAIRS = """
WITH blocks AS (
  SELECT k.lead_id AS lead_id, 'd' || k.sound || LEFT(k.given, 1) || k.mail_domain AS block
  FROM lead_match_keys AS k
  WHERE k.mail_domain IS NOT NULL AND k.given IS NOT NULL AND k.family IS NOT NULL
  UNION ALL
  SELECT k.lead_id AS lead_id, 'c' || k.sound || LEFT(k.given, 1) || LEFT(k.firm, 5) AS block
  FROM lead_match_keys AS k
  WHERE k.firm IS NOT NULL AND k.given IS NOT NULL AND k.family IS NOT NULL
  UNION ALL
  SELECT k.lead_id AS lead_id, 'p' || k.sound || k.phone AS block
  FROM lead_match_keys AS k
  WHERE k.phone IS NOT NULL AND k.family IS NOT NULL
),
sized AS (
  SELECT b.block AS block
  FROM blocks AS b
  GROUP BY b.block
  HAVING COUNT(*) BETWEEN 2 AND {most_alike}
),
kept AS (
  SELECT b.block AS block, b.lead_id AS lead_id
  FROM blocks AS b
  JOIN sized AS s ON s.block = b.block
),
candidates AS (
  SELECT a.lead_id AS a_id, b.lead_id AS b_id
  FROM kept AS a
  JOIN kept AS b ON b.block = a.block AND b.lead_id > a.lead_id
  GROUP BY a.lead_id, b.lead_id
),
graded AS (
  SELECT
    c.a_id AS a_id,
    c.b_id AS b_id,
    a.born_at AS a_born,
    b.born_at AS b_born,
    a.mail = b.mail AS is_same_mail,
    CASE
      WHEN a.mail IS NULL OR b.mail IS NULL THEN NULL
      WHEN a.mail = b.mail THEN 1.0
      WHEN a.mail_domain = b.mail_domain THEN 0.8
      ELSE 0.3
    END AS mail,
    CASE WHEN a.phone IS NULL OR b.phone IS NULL THEN NULL WHEN a.phone = b.phone THEN 1.0 ELSE 0.4 END AS phone,
    CASE WHEN a.family = b.family THEN 1.0 WHEN a.sound = b.sound THEN 0.9 ELSE 0.0 END AS family,
    CASE
      WHEN a.given IS NULL OR b.given IS NULL THEN NULL
      WHEN a.given = b.given THEN 1.0
      WHEN (LENGTH(a.given) = 1 OR LENGTH(b.given) = 1) AND LEFT(a.given, 1) = LEFT(b.given, 1) THEN 0.9
      WHEN LEFT(a.given, 3) = LEFT(b.given, 3) THEN 0.7
      ELSE 0.0
    END AS given,
    CASE
      WHEN a.firm IS NULL OR b.firm IS NULL THEN NULL
      WHEN a.firm = b.firm THEN 1.0
      WHEN LENGTH(a.firm) >= 5 AND a.firm = LEFT(b.firm, LENGTH(a.firm)) THEN 0.9
      WHEN LENGTH(b.firm) >= 5 AND b.firm = LEFT(a.firm, LENGTH(b.firm)) THEN 0.9
      ELSE 0.0
    END AS firm
  FROM candidates AS c
  JOIN lead_match_keys AS a ON a.lead_id = c.a_id
  JOIN lead_match_keys AS b ON b.lead_id = c.b_id
),
scored AS (
  SELECT
    g.*,
    (
      COALESCE(g.mail, 0) * {email} + COALESCE(g.phone, 0) * {tel} + g.family * {last_name}
      + COALESCE(g.given, 0) * {first_name} + COALESCE(g.firm, 0) * {company}
    ) / (
      CASE WHEN g.mail IS NULL THEN 0 ELSE {email} END + CASE WHEN g.phone IS NULL THEN 0 ELSE {tel} END + {last_name}
      + CASE WHEN g.given IS NULL THEN 0 ELSE {first_name} END + CASE WHEN g.firm IS NULL THEN 0 ELSE {company} END
    ) AS score
  FROM graded AS g
)
SELECT
  CASE WHEN s.b_born < s.a_born THEN s.a_id ELSE s.b_id END AS lead_id,
  CASE WHEN s.b_born < s.a_born THEN s.b_id ELSE s.a_id END AS other_id,
  ROUND(s.score, 3) AS score,
  COALESCE(s.is_same_mail, FALSE) AS is_same_mail,
  SUBSTRING(
    CASE WHEN s.mail = 1.0 THEN ', e-mail' WHEN s.mail = 0.8 THEN ', e-mail domain' ELSE '' END
    || CASE WHEN s.phone = 1.0 THEN ', phone' ELSE '' END
    || CASE WHEN s.family = 1.0 THEN ', last name' ELSE ', sound of the last name' END
    || CASE WHEN s.given = 1.0 THEN ', first name' WHEN s.given >= 0.9 THEN ', initial' ELSE '' END
    || CASE WHEN s.firm = 1.0 THEN ', company' WHEN s.firm >= 0.9 THEN ', beginning of the company' ELSE '' END,
    3
  ) AS evidence
FROM scored AS s
WHERE s.score >= 0.5
"""


def _query(context: AuditContext) -> exp.Query:
    how = context.definitions.duplicates
    weights = {name: repr(float(value)) for name, value in how.weights.model_dump().items()}
    tel = weights.pop("phone")
    return parse_select(_PAIRS.format(most_alike=how.most_alike, tel=tel, **weights))


RELATION = Relation(
    name="duplicate_pairs",
    about=(
        "One row a pair of open leads that may be one person: the newer and the older one, a score from 0.5 to 1, and "
        "what speaks for it. Pairs only: that a is like b, and b like c, says nothing of a and c."
    ),
    columns={
        "lead_id": "text",
        "other_id": "text",
        "score": "number",
        "is_same_mail": "boolean",
        "evidence": "text",
    },
    reads=("lead_match_keys",),
    query=_query,
)
