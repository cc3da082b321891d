"""What `verify` proved of each mirrored object, and how the mirror differed from the org then."""

from __future__ import annotations

from sfsync.audit.context import AuditContext
from sfsync.audit.relations.relation import Relation


def _unmet(context: AuditContext) -> tuple[str, str] | None:
    if context.book.proofs:
        return None
    return "the mirror was never compared with the org", "run `sfsync verify`"


RELATION = Relation(
    name="mirror_proofs",
    about=(
        "One row a mirrored object and kind of difference, of the newest proof of the object; the kind `equal`, with 0 "
        "records, where there is none. The kinds are told in the documentation of `verify`."
    ),
    columns={
        "object": "text",
        "run_id": "text",
        "proven_at": "datetime",
        "as_of": "datetime",
        "records": "number",
        "method": "text",
        "kind": "text",
        "differing": "number",
        "repaired": "boolean",
    },
    rows=lambda context: context.book.proofs,
    unmet=_unmet,
)
