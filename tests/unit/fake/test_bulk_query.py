from __future__ import annotations

import csv
import gzip
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sfsync.fake.bulk import Transition, result_csv

DATA = "/services/data/v60.0"
JOBS = f"{DATA}/jobs/query"


@pytest.fixture
def finished(client):
    """Run a query to its end and return the job's Id."""

    def finished(soql, **properties):
        job = client.bulk(soql, **properties)["id"]
        assert client.get(f"{JOBS}/{job}").json()["state"] == "JobComplete"
        return job

    return finished


def rows_of(response):
    return list(csv.reader(io.StringIO(response.content.decode(), newline="")))


def test_a_new_job_tells_twelve_things(org, client):
    job = client.bulk("SELECT Id FROM Lead")
    assert list(job) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode",
        "contentType", "apiVersion", "lineEnding", "columnDelimiter",
    ]  # fmt: skip
    assert job["id"].startswith("750")
    assert (job["state"], job["object"], job["operation"]) == ("UploadComplete", "Lead", "query")
    assert (job["apiVersion"], job["createdById"]) == (60.0, org.admin_id)


def test_a_finished_job_tells_its_counts(client, leads, finished):
    job = client.get(f"{JOBS}/{finished('SELECT Id FROM Lead')}").json()
    assert (job["jobType"], job["numberRecordsProcessed"], job["retries"]) == ("V2Query", len(leads), 0)
    assert job["isPkChunkingSupported"] is True


def test_a_result_is_csv_with_everything_quoted(org, client, finished):
    org.insert(
        "Lead",
        [
            {
                "LastName": 'say "hi",\nthen go',
                "Company": "X",
                "AnnualRevenue": 80_000_000,
                "NumberOfEmployees": 3,
                "CreatedDate": datetime(2022, 2, 15, 6, 21, 19),
                "IsConverted": True,
                "ConvertedDate": "2022-02-16",
            }
        ],
    )
    soql = "SELECT LastName, AnnualRevenue, NumberOfEmployees, CreatedDate, IsConverted, ConvertedDate, Email, Owner.Name FROM Lead"
    response = client.get(f"{JOBS}/{finished(soql)}/results")
    assert response.headers["Content-Type"].startswith("text/csv")
    assert (response.headers["Sforce-NumberOfRecords"], response.headers["Sforce-Locator"]) == ("1", "null")
    assert response.text == (
        '"LastName","AnnualRevenue","NumberOfEmployees","CreatedDate","IsConverted","ConvertedDate","Email","Owner.Name"\n'
        '"say ""hi"",\nthen go","8.0E7","3","2022-02-15T06:21:19.000Z","true","2022-02-16","","Ada Admin"\n'
    )


def test_no_rows_are_a_header_line(client, finished):
    response = client.get(f"{JOBS}/{finished('SELECT Id, Name FROM Lead')}/results")
    assert response.text == '"Id","Name"\n'
    assert (response.headers["Sforce-NumberOfRecords"], response.headers["Sforce-Locator"]) == ("0", "null")


def test_old_versions_sort_the_columns_by_name(client, leads):
    body = {"operation": "query", "query": "SELECT LastName, Id, Company FROM Lead"}
    job = client("POST", "/services/data/v49.0/jobs/query", json=body).json()["id"]
    client.get(f"/services/data/v49.0/jobs/query/{job}")
    response = client.get(f"/services/data/v49.0/jobs/query/{job}/results")
    assert rows_of(response)[0] == ["Company", "Id", "LastName"]


@pytest.mark.parametrize(
    ("name", "character"),
    [("COMMA", ","), ("SEMICOLON", ";"), ("PIPE", "|"), ("TAB", "\t"), ("CARET", "^"), ("BACKQUOTE", "`")],
)
def test_delimiters_are_the_jobs(client, leads, finished, name, character):
    job = finished("SELECT Id, LastName FROM Lead LIMIT 1", columnDelimiter=name)
    assert client.get(f"{JOBS}/{job}/results").text == f'"Id"{character}"LastName"\n"{leads[0]}"{character}"Lead 0"\n'


def test_line_endings_are_the_jobs_and_leave_values_alone(org, client, finished):
    org.insert("Lead", [{"LastName": "two\nlines", "Company": "X"}])
    job = finished("SELECT LastName FROM Lead", lineEnding="CRLF")
    assert client.get(f"{JOBS}/{job}/results").content == b'"LastName"\r\n"two\nlines"\r\n'


def read_by_locator(client, job, **params):
    pages, locator = [], None
    while locator != "null":
        response = client.get(f"{JOBS}/{job}/results", params={**params, **({"locator": locator} if locator else {})})
        pages.append(rows_of(response))
        assert int(response.headers["Sforce-NumberOfRecords"]) == len(pages[-1]) - 1
        locator = response.headers["Sforce-Locator"]
    return pages


def test_pages_follow_one_another_by_locator(client, leads, finished):
    pages = read_by_locator(client, finished("SELECT Id FROM Lead"), maxRecords=3)
    assert [len(page) - 1 for page in pages] == [3, 3, 1]
    assert all(page[0] == ["Id"] for page in pages)
    assert [row[0] for page in pages for row in page[1:]] == leads


def test_the_orgs_own_page_size_is_used_where_none_is_asked_for(org, client, leads, finished):
    org.bulk.settings.page = 4
    assert [len(page) - 1 for page in read_by_locator(client, finished("SELECT Id FROM Lead"))] == [4, 3]


def test_a_page_can_be_read_again(client, leads, finished):
    url = f"{JOBS}/{finished('SELECT Id FROM Lead')}/results?locator=Mw&maxRecords=2"
    assert client.get(url).content == client.get(url).content
    assert [row[0] for row in rows_of(client.get(url))[1:]] == leads[3:5]


def test_results_do_not_see_what_happens_meanwhile(org, client, leads, finished):
    job = finished("SELECT Id, LastName FROM Lead")
    org.update("Lead", leads[6], {"LastName": "changed"})
    org.delete("Lead", leads[5])
    rows = rows_of(client.get(f"{JOBS}/{job}/results"))
    assert rows[-1] == [leads[6], "Lead 6"]
    assert len(rows) == 8


def test_results_may_come_in_any_order(org, client, leads, finished):
    org.bulk.settings.shuffled = True
    rows = [
        row[0] for page in read_by_locator(client, finished("SELECT Id FROM Lead"), maxRecords=3) for row in page[1:]
    ]
    assert rows != leads
    assert sorted(rows) == leads


def test_links_to_up_to_five_pages_at_a_time(org, client, leads, finished):
    org.bulk.settings.page = 1
    job = finished("SELECT Id FROM Lead")
    first = client.get(f"{JOBS}/{job}/resultPages").json()
    assert list(first) == ["resultPages", "nextRecordsUrl", "done"]
    assert len(first["resultPages"]) == 5
    assert first["done"] is False
    second = client.get(first["nextRecordsUrl"]).json()
    assert len(second["resultPages"]) == 2
    assert (second["done"], second["nextRecordsUrl"]) == (True, None)
    urls = [page["resultUrl"] for answer in (first, second) for page in answer["resultPages"]]
    assert [rows_of(client.get(url))[1][0] for url in urls] == leads


def test_links_of_an_empty_result_and_in_small_letters(client, finished):
    job = finished("SELECT Id FROM Lead")
    body = client.get(f"{JOBS}/{job}/resultpages").json()
    assert len(body["resultPages"]) == 1
    assert body["done"] is True
    assert rows_of(client.get(body["resultPages"][0]["resultUrl"])) == [["Id"]]


def test_links_came_with_version_58(client, leads):
    body = {"operation": "query", "query": "SELECT Id FROM Lead"}
    root = "/services/data/v57.0/jobs/query"
    job = client("POST", root, json=body).json()["id"]
    client.get(f"{root}/{job}")
    assert client.get(f"{root}/{job}/results").status_code == 200
    assert client.get(f"{root}/{job}/resultPages").status_code == 404


def test_query_all_sees_the_recycle_bin(org, client, leads, finished):
    org.delete("Lead", leads[0])
    job = finished("SELECT Id, IsDeleted FROM Lead", operation="queryAll")
    assert rows_of(client.get(f"{JOBS}/{job}/results"))[1] == [leads[0], "true"]


def test_states_move_as_the_org_is_told(org, client):
    org.bulk.settings.transition = Transition(polls=2)
    job = client.bulk("SELECT Id FROM Lead")["id"]
    assert [client.get(f"{JOBS}/{job}").json()["state"] for _ in range(4)] == [
        "InProgress",
        "InProgress",
        "JobComplete",
        "JobComplete",
    ]


def test_states_can_move_with_the_orgs_time(org, client):
    org.bulk.settings.transition = Transition(seconds=60)
    job = client.bulk("SELECT Id FROM Lead")["id"]
    assert client.get(f"{JOBS}/{job}").json()["state"] == "InProgress"
    org.clock.advance(timedelta(seconds=61))
    assert client.get(f"{JOBS}/{job}").json()["state"] == "JobComplete"


def test_a_job_can_fail_or_never_end(org, client):
    org.bulk.settings.transition = Transition(error="InternalServerError : Retried more than fifteen times")
    job = client.get(f"{JOBS}/{client.bulk('SELECT Id FROM Lead')['id']}").json()
    assert (job["state"], job["errorMessage"]) == ("Failed", "InternalServerError : Retried more than fifteen times")
    assert job["numberRecordsProcessed"] == 0
    org.bulk.settings.transition = Transition(stuck=True)
    job = client.bulk("SELECT Id FROM Lead")["id"]
    org.clock.advance(timedelta(days=1))
    assert client.get(f"{JOBS}/{job}").json()["state"] == "InProgress"


def test_results_wait_for_completion(org, client):
    org.bulk.settings.transition = Transition(stuck=True)
    job = client.bulk("SELECT Id FROM Lead")["id"]
    client.get(f"{JOBS}/{job}")
    for path in ("results", "resultPages"):
        response = client.get(f"{JOBS}/{job}/{path}")
        assert response.status_code == 412
        assert response.json()[0]["errorCode"] == "JOB_NOT_COMPLETE"
        assert response.json()[0]["message"].endswith("Current status: IN_PROGRESS")


def test_results_want_the_version_of_the_job(client, finished):
    job = finished("SELECT Id FROM Lead")
    assert client.get(f"/services/data/v61.0/jobs/query/{job}").status_code == 200
    assert client.get(f"/services/data/v61.0/jobs/query/{job}/results").status_code == 409


def test_a_running_job_can_be_aborted_and_a_finished_one_not(client, finished):
    running = client.bulk("SELECT Id FROM Lead")["id"]
    assert client("PATCH", f"{JOBS}/{running}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert client.get(f"{JOBS}/{running}").json()["state"] == "Aborted"
    response = client("PATCH", f"{JOBS}/{finished('SELECT Id FROM Lead')}", json={"state": "Aborted"})
    assert response.status_code == 400
    assert response.json() == [
        {"message": "Aborting already Completed Job not allowed", "errorCode": "INVALIDJOBSTATE"}
    ]
    assert client("PATCH", f"{JOBS}/{running}", json={"state": "JobComplete"}).status_code == 400


def test_a_finished_job_can_be_deleted_and_a_running_one_not(client, finished):
    job = finished("SELECT Id FROM Lead")
    assert client("DELETE", f"{JOBS}/{job}").status_code == 204
    assert client.get(f"{JOBS}/{job}").status_code == 404
    running = client.bulk("SELECT Id FROM Lead")["id"]
    assert client("DELETE", f"{JOBS}/{running}").json()[0]["errorCode"] == "INVALIDJOBSTATE"


@pytest.mark.parametrize("job", ["undefined", "750Fk0000000099IAA", "00QFk0000000000MAA"])
@pytest.mark.parametrize(
    ("method", "tail"), [("GET", ""), ("DELETE", ""), ("GET", "/results"), ("GET", "/resultPages")]
)
def test_jobs_that_never_were_are_not_found(client, job, method, tail):
    assert client(method, f"{JOBS}/{job}{tail}").status_code == 404


def test_all_jobs_are_listed(client, finished):
    jobs = {finished("SELECT Id FROM Lead"), finished("SELECT Id FROM Account")}
    body = client.get(JOBS).json()
    assert {record["id"] for record in body["records"]} == jobs
    assert all(record["jobType"] == "V2Query" for record in body["records"])
    assert (body["done"], body["nextRecordsUrl"]) == (True, None)


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT COUNT() FROM Lead", "API_ERROR"),
        ("SELECT COUNT(Id) FROM Lead", "API_ERROR"),
        ("SELECT Company FROM Lead GROUP BY Company", "API_ERROR"),
        ("SELECT Id FROM Lead OFFSET 5", "API_ERROR"),
        ("SELECT Id, Address FROM Lead", "FUNCTIONALITY_NOT_ENABLED"),
        ("SELECT Id FROM Leed", "INVALID_TYPE"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT", "MALFORMED_QUERY"),
    ],
)
def test_what_bulk_does_not_run_is_refused_at_once(client, soql, code):
    response = client("POST", JOBS, json={"operation": "query", "query": soql})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "insert", "query": "SELECT Id FROM Lead"},
        {"operation": "query"},
        {"operation": "query", "query": 5},
        {"operation": "query", "query": "SELECT Id FROM Lead", "columnDelimiter": "SPACE"},
        {"operation": "query", "query": "SELECT Id FROM Lead", "lineEnding": "CR"},
    ],
)
def test_impossible_jobs_are_refused(client, body):
    response = client("POST", JOBS, json=body)
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALIDJOB")


@pytest.mark.parametrize(
    "query", ["locator=!!!", "locator=LTU", "locator=OTk5", "maxRecords=0", "maxRecords=x", "maxRecords=-1"]
)
def test_impossible_pages_are_refused(client, leads, finished, query):
    assert client.get(f"{JOBS}/{finished('SELECT Id FROM Lead')}/results?{query}").status_code == 400


def test_results_are_compressed_for_those_who_can_read_it(client, leads, finished):
    url = f"{JOBS}/{finished('SELECT Id FROM Lead')}/results"
    packed = client.get(url, headers={"Accept-Encoding": "gzip"}, stream=True)
    raw = packed.raw.read(decode_content=False)
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(raw) == plain.content
    assert plain.headers["Content-Length"] == str(len(plain.content))


def test_nothing_stays_behind_of_pages_that_were_read(org, client, leads, finished):
    url = f"{JOBS}/{finished('SELECT Id FROM Lead')}/results"
    client.get(url)
    with client.get(url, stream=True):
        pass  # not read at all
    scratch: Path = org.database.scratch
    assert list(scratch.glob("page-*")) == []
    org.close()
    assert not scratch.exists()


@pytest.mark.parametrize("properties", [{}, {"columnDelimiter": "SEMICOLON", "lineEnding": "CRLF"}], ids=str)
def test_python_writes_a_few_rows_as_the_database_writes_many(org, client, finished, monkeypatch, properties):
    texts = [
        'a "b"',
        "c,d;e",
        "two\nlines",
        "CR\r\nLF",
        "sep\u2028arated",
        "\x0bertical",
        "🏳️‍🌈 مرحبا",
        "O'Neill\\",
        " x ",
    ]
    numbers = [None, 0, -0.0, 0.1, -1e-9, 5e-324, 9_999_999.5, 80_000_000, -1e18, 2**53]
    org.insert(
        "Lead",
        [
            {"LastName": text, "Company": text * 3, "AnnualRevenue": number, "NumberOfEmployees": place or None}
            for place, (text, number) in enumerate(zip([*texts, "null"], numbers, strict=True))
        ],
    )
    soql = (
        "SELECT Id, LastName, Company, AnnualRevenue, Latitude, NumberOfEmployees, IsConverted, ConvertedDate, CreatedDate"
        " FROM Lead ORDER BY Id"
    )
    job = finished(soql, **properties)
    few = client.get(f"{JOBS}/{job}/results").content
    monkeypatch.setattr(result_csv, "FEW_VALUES", 0)
    assert client.get(f"{JOBS}/{job}/results").content == few
    assert few.count(b"8.0E7") == 1
