"""Calls that read: queries, and records by Id."""

from __future__ import annotations

from sfsync.fake import dml
from sfsync.fake.ids import is_valid_id, to_18
from sfsync.fake.soap.call import Operation, SoapCall
from sfsync.fake.soap.envelope import text_of, texts_of
from sfsync.fake.soap.fault import no_such_field, refusal, too_many_records
from sfsync.fake.soap.sobject import field_names, query_page, result_record
from sfsync.fake.soap.xml import nested

#: Records of one retrieve, at most.
_MOST = 2000


def query(call: SoapCall) -> str:
    """The first page of live records."""
    return _first_page(call, all_rows=False)


def query_all(call: SoapCall) -> str:
    """The first page of all records, those in the recycle bin too."""
    return _first_page(call, all_rows=True)


def query_more(call: SoapCall) -> str:
    """A later page."""
    body = call.org.queries.more(text_of(call.body, "queryLocator"), call.version)
    return nested("result", [query_page(body, call.org.catalog)], kind="QueryResult")


def retrieve(call: SoapCall) -> str:
    """Records by Id, in the order asked for; nothing where there is none, or no longer."""
    facts = call.facts(text_of(call.body, "sObjectType"))
    ids = texts_of(call.body, "ids")
    if len(ids) > _MOST:
        raise too_many_records(_MOST)
    for one in ids:
        if not is_valid_id(one):
            raise refusal("MALFORMED_ID", f"malformed id {one}")
    names = field_names(text_of(call.body, "fieldList"))
    for name in names:
        if facts.field(name) is None:
            raise no_such_field(name, facts.name)
    records = dml.retrieve(call.org, facts.name, list(map(to_18, ids)), names, call.context.user_id, call.version)
    return "".join(result_record(record, call.catalog) for record in records)


def _first_page(call: SoapCall, *, all_rows: bool) -> str:
    text = text_of(call.body, "queryString")
    if not text:
        raise refusal("MALFORMED_QUERY", "A query string has to be specified")
    body = call.org.queries.start(text, call.version, all_rows=all_rows, page=call.page, user_id=call.context.user_id)
    return nested("result", [query_page(body, call.catalog)], kind="QueryResult")


CALLS: dict[str, Operation] = {
    "query": Operation(query, ("queryString",)),
    "queryAll": Operation(query_all, ("queryString",)),
    "queryMore": Operation(query_more, ("queryLocator",)),
    "retrieve": Operation(retrieve, ("fieldList", "sObjectType", "ids")),
}
