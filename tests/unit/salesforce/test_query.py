from __future__ import annotations

import pytest

from sfsync.errors import IncompleteAnswer, RequestRefused, SalesforceError
from sfsync.salesforce.query import count, query_pages, record_counts

QUERY = "/services/data/v66.0/query"
NEXT = f"{QUERY}/01gXX-2"


def page(total, ids, following=None):
    answer = {"totalSize": total, "done": following is None}
    if following:
        answer["nextRecordsUrl"] = following
    return {**answer, "records": [{"attributes": {"type": "Lead"}, "Id": i} for i in ids]}


def ids_of(pages):
    return [record["Id"] for one in pages for record in one.records]


def test_all_pages_are_read_and_the_query_arrives_as_it_was(server, org, make_answer):
    soql = "SELECT Id FROM Lead WHERE Name = 'Ærø & Söhne + 100%' AND X = 'a=b'"
    server.on(f"GET {QUERY}", make_answer(200, page(3, "ab", NEXT)))
    server.on(f"GET {NEXT}", make_answer(200, page(3, "c")))
    pages = list(query_pages(org, soql))
    assert ids_of(pages) == ["a", "b", "c"]
    assert [one.total_size for one in pages] == [3, 3]
    assert server.asked(f"GET {QUERY}")[0].query == {"q": soql}
    assert server.asked(f"GET {NEXT}")[0].headers["Sforce-Query-Options"] == "batchSize=2000"


def test_the_recycle_bin_is_asked_by_query_all(server, org, make_answer):
    server.on("GET /services/data/v66.0/queryAll", make_answer(200, page(1, "a")))
    assert ids_of(query_pages(org, "SELECT Id FROM Lead", deleted_too=True)) == ["a"]


def test_an_empty_answer_is_one_empty_page(server, org, make_answer):
    server.on(f"GET {QUERY}", make_answer(200, page(0, "")))
    assert [one.records for one in query_pages(org, "SELECT Id FROM Lead")] == [[]]


@pytest.mark.parametrize(
    "answer",
    [
        page(3, "ab"),  # fewer
        page(1, "ab"),  # more
        {**page(3, "ab"), "done": False},  # not done, but no way on
        page(3, "ab", QUERY),  # in a circle
        {"totalSize": 2, "done": True},
        {"done": True, "records": []},
        [],
    ],
)
def test_an_answer_that_does_not_add_up_is_incomplete(server, org, make_answer, answer):
    server.on(f"GET {QUERY}", make_answer(200, answer))
    with pytest.raises(IncompleteAnswer):
        list(query_pages(org, "SELECT Id FROM Lead"))


def test_a_count_has_no_records_and_that_is_fine(server, org, make_answer):
    server.on(f"GET {QUERY}", make_answer(200, {"totalSize": 8000, "done": True, "records": []}))
    assert count(org, "SELECT COUNT() FROM Lead") == 8000
    assert [one.total_size for one in query_pages(org, " select count( ) from Lead")] == [8000]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/services/data",
        "//evil.example/x@",
        "@evil.example/",
        "https://localhost:1/x",
        "services/x",
        "/a b",
        "/a\nb",
    ],
)
def test_a_link_to_another_host_is_never_followed(server, org, make_answer, link):
    server.on(f"GET {QUERY}", make_answer(200, page(3, "ab", link)))
    asked_before = len(server.requests)
    with pytest.raises(SalesforceError):
        list(query_pages(org, "SELECT Id FROM Lead"))
    # `//evil.example` is a path on our own host when it is put behind it, and nothing else.
    assert len(server.requests) - asked_before <= 2


def test_a_full_link_to_the_same_host_is_followed(server, org, make_answer):
    server.on(f"GET {QUERY}", make_answer(200, page(3, "ab", server.url + NEXT)))
    server.on(f"GET {NEXT}", make_answer(200, page(3, "c")))
    assert ids_of(query_pages(org, "SELECT Id FROM Lead")) == ["a", "b", "c"]


def test_a_cursor_that_is_lost_midway_makes_the_answer_incomplete(server, org, make_answer, make_error):
    server.on(f"GET {QUERY}", make_answer(200, page(3, "ab", NEXT)))
    server.on(f"GET {NEXT}", make_error(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))
    pages = query_pages(org, "SELECT Id FROM Lead")
    next(pages)
    with pytest.raises(IncompleteAnswer, match="dropped the query's cursor after 2 of 3 records"):
        next(pages)


def test_a_refused_query_is_refused(server, org, make_error):
    server.on(f"GET {QUERY}", make_error(400, "MALFORMED_QUERY", "unexpected token: 'FORM'"))
    with pytest.raises(RequestRefused, match="unexpected token"):
        list(query_pages(org, "SELECT Id FORM Lead"))


def test_record_counts_are_read_for_the_objects_the_org_knows(server, org, make_answer):
    body = {"sObjects": [{"count": 8000, "name": "Lead"}, {"count": 7, "name": "Account"}]}
    server.on("GET /services/data/v66.0/limits/recordCount", make_answer(200, body))
    assert record_counts(org, ["Lead", "Account", "Nope"]) == {"Lead": 8000, "Account": 7}
    assert server.requests[-1].query == {"sObjects": "Lead,Account,Nope"}
    assert record_counts(org, []) == {}
