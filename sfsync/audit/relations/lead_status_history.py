"""The stays of leads in their statuses: from field history, else from the versions the mirror keeps, else of now."""

from __future__ import annotations

from sqlglot import exp, parse_one

from sfsync.audit.context import AuditContext
from sfsync.audit.portable import DIALECT
from sfsync.audit.relations.relation import Relation
from sfsync.audit.rule import FieldType, OptionalNeed

_COLUMNS: dict[str, FieldType] = {
    "lead_id": "text",
    "status": "text",
    "entered_at": "datetime",
    "left_at": "datetime",
    "origin": "text",
}

_KEPT = """
SELECT v."Id" AS lead_id, v."Status" AS status, v.valid_from AS valid_from, v.valid_to AS valid_to, v.existed AS existed
FROM sf_history."Lead" AS v
"""

_NONE_KEPT = """
SELECT CAST(NULL AS VARCHAR) AS lead_id, CAST(NULL AS VARCHAR) AS status, CAST(NULL AS TIMESTAMP) AS valid_from,
    CAST(NULL AS TIMESTAMP) AS valid_to, CAST(NULL AS BOOLEAN) AS existed
WHERE FALSE
"""

_SQL = """
WITH versions_kept AS ({versions}),
tracked_since AS (
  SELECT MIN(h.CreatedDate) AS changed_at FROM sf.LeadHistory AS h WHERE h.Field = 'Status'
),
labels AS (
  SELECT s.MasterLabel AS label, MIN(s.ApiName) AS status
  FROM sf.LeadStatus AS s
  WHERE s.MasterLabel <> s.ApiName
    AND NOT EXISTS (SELECT 1 AS one FROM sf.LeadStatus AS o WHERE o.ApiName = s.MasterLabel)
  GROUP BY s.MasterLabel
),
changes AS (
  SELECT
    h.LeadId AS lead_id,
    h.Id AS history_id,
    h.CreatedDate AS changed_at,
    COALESCE(x.status, h.OldValue) AS old_status,
    COALESCE(y.status, h.NewValue) AS new_status
  FROM sf.LeadHistory AS h
  LEFT JOIN labels AS x ON x.label = h.OldValue
  LEFT JOIN labels AS y ON y.label = h.NewValue
  WHERE h.Field = 'Status'
    AND h.CreatedDate <= {as_of}
    AND COALESCE(h.OldValue, '') <> COALESCE(h.NewValue, '')
),
ordered AS (
  SELECT
    c.lead_id AS lead_id,
    c.changed_at AS changed_at,
    c.old_status AS old_status,
    c.new_status AS new_status,
    ROW_NUMBER() OVER (PARTITION BY c.lead_id ORDER BY c.changed_at, c.history_id) AS place,
    LEAD(c.changed_at) OVER (PARTITION BY c.lead_id ORDER BY c.changed_at, c.history_id) AS next_at
  FROM changes AS c
),
changed AS (
  SELECT o.lead_id AS lead_id FROM ordered AS o WHERE o.place = 1
),
unchanged AS (
  SELECT
    l.Id AS lead_id,
    l.Status AS status,
    l.CreatedDate AS created_at,
    COALESCE(l.CreatedDate >= t.changed_at, FALSE) AS is_tracked
  FROM sf.Lead AS l
  CROSS JOIN tracked_since AS t
  LEFT JOIN changed AS c ON c.lead_id = l.Id
  WHERE c.lead_id IS NULL
),
kept AS (
  SELECT v.lead_id AS lead_id, MAX(v.valid_to) AS since, MAX(CASE WHEN v.existed THEN 0 ELSE 1 END) AS is_born
  FROM versions_kept AS v
  GROUP BY v.lead_id
),
versions AS (
  SELECT v.lead_id AS lead_id, v.status AS status, v.valid_from AS valid_from, v.valid_to AS valid_to
  FROM versions_kept AS v
  JOIN unchanged AS u ON u.lead_id = v.lead_id AND NOT u.is_tracked
  WHERE v.existed
  UNION ALL
  SELECT u.lead_id, u.status, k.since AS valid_from, CAST(NULL AS TIMESTAMP) AS valid_to
  FROM unchanged AS u
  JOIN kept AS k ON k.lead_id = u.lead_id
  WHERE NOT u.is_tracked
),
compared AS (
  SELECT
    v.lead_id AS lead_id,
    v.status AS status,
    v.valid_from AS valid_from,
    LAG(v.status) OVER (PARTITION BY v.lead_id ORDER BY v.valid_from NULLS FIRST) AS previous,
    ROW_NUMBER() OVER (PARTITION BY v.lead_id ORDER BY v.valid_from NULLS FIRST) AS place
  FROM versions AS v
),
turns AS (
  SELECT
    c.lead_id AS lead_id,
    c.status AS status,
    c.place AS place,
    c.valid_from AS entered_at,
    LEAD(c.valid_from) OVER (PARTITION BY c.lead_id ORDER BY c.place) AS left_at
  FROM compared AS c
  WHERE c.place = 1 OR c.previous <> c.status
)
SELECT
  o.lead_id AS lead_id,
  o.old_status AS status,
  CASE WHEN l.CreatedDate >= t.changed_at THEN l.CreatedDate END AS entered_at,
  o.changed_at AS left_at,
  'LeadHistory' AS origin
FROM ordered AS o
CROSS JOIN tracked_since AS t
LEFT JOIN sf.Lead AS l ON l.Id = o.lead_id
WHERE o.place = 1 AND o.old_status IS NOT NULL
UNION ALL
SELECT o.lead_id, o.new_status AS status, o.changed_at AS entered_at, o.next_at AS left_at, 'LeadHistory' AS origin
FROM ordered AS o
WHERE o.new_status IS NOT NULL
UNION ALL
SELECT
  t.lead_id,
  t.status,
  CASE WHEN t.place > 1 THEN t.entered_at WHEN k.is_born = 1 THEN u.created_at END AS entered_at,
  t.left_at,
  'mirror' AS origin
FROM turns AS t
JOIN kept AS k ON k.lead_id = t.lead_id
JOIN unchanged AS u ON u.lead_id = t.lead_id
UNION ALL
SELECT
  u.lead_id,
  u.status,
  CASE WHEN u.is_tracked THEN u.created_at END AS entered_at,
  CAST(NULL AS TIMESTAMP) AS left_at,
  CASE WHEN u.is_tracked THEN 'LeadHistory' ELSE 'current' END AS origin
FROM unchanged AS u
LEFT JOIN kept AS k ON k.lead_id = u.lead_id
WHERE u.is_tracked OR k.lead_id IS NULL
"""


def _query(context: AuditContext) -> exp.Query:
    as_of = "$as_of" if context.as_of is None else f"TIMESTAMP '{context.as_of.isoformat(sep=' ')}'"
    versions = _KEPT if "Lead" in context.history else _NONE_KEPT
    query = parse_one(_SQL.format(as_of=as_of, versions=versions), dialect=DIALECT)
    assert isinstance(query, exp.Query)  # noqa: S101 - a SELECT as written above
    return query


RELATION = Relation(
    name="lead_status_history",
    about=(
        "A row a stay of a lead in a status. `entered_at` is NULL where nobody knows since when, `left_at` where the "
        "lead still is in it. `origin` is `LeadHistory` where the org tracks the status, `mirror` where it is known "
        "from pull to pull, and `current` where nothing earlier is known."
    ),
    columns=_COLUMNS,
    needs={"Lead": {"Id": "text", "Status": "text", "CreatedDate": "datetime"}},
    optional=(
        OptionalNeed(
            object="LeadHistory",
            fields={
                "Id": "text",
                "LeadId": "text",
                "Field": "text",
                "OldValue": "text",
                "NewValue": "text",
                "CreatedDate": "datetime",
            },
            otherwise="LeadHistory is not in the mirror: earlier lead statuses are known only from pull to pull",
        ),
        OptionalNeed(object="LeadStatus", fields={"ApiName": "text", "MasterLabel": "text"}),
    ),
    query=_query,
)
