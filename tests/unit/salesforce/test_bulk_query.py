from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sfsync.errors import IncompleteAnswer, RequestRefused, TemporaryFailure
from sfsync.salesforce import connect
from sfsync.salesforce.bulk_query import BulkQuery
from sfsync.salesforce.retry_policy import RetryPolicy
from sfsync.salesforce.transport import Transport

JOBS = "/services/data/v66.0/jobs/query"
JOB = f"{JOBS}/750X"
RESULTS = f"{JOB}/results"
PAGES = f"{JOB}/resultPages"


@pytest.fixture
def job(server, org, make_answer):
    """A finished job of five rows."""
    server.on(f"GET {JOB}", make_answer(200, {"id": "750X", "state": "JobComplete", "numberRecordsProcessed": 5}))
    return BulkQuery(org, "750X")


@pytest.fixture
def by_locator(server, csv_page):
    """Serves result pages by their locator: a dict of locator → answer, or list of answers to give one after the other."""

    def serve(pages, path=RESULTS):
        lock = threading.Lock()

        def answer(request):
            with lock:
                found = pages[request.query.get("locator")]
                return (found.pop(0) if len(found) > 1 else found[0]) if isinstance(found, list) else found

        server.on(f"GET {path}", answer)

    return serve


@pytest.fixture
def listed(server, make_answer):
    """Serves the list of pages, five addresses at a time at most."""

    def serve(*lists, name="nextRecordsUrl"):
        for position, locators in enumerate(lists):
            last = position == len(lists) - 1
            path = PAGES if position == 0 else f"{JOB}/resultpages/{position}"
            body = {
                "resultPages": [{"resultUrl": f"{RESULTS}?locator={locator}"} for locator in locators],
                "done": last,
            }
            if not last:
                body[name] = f"{JOB}/resultpages/{position + 1}"
            server.on(f"GET {path}", make_answer(200, body))

    return serve


def ids(pages):
    return [page.path.read_text().replace('"', "").split()[1:] for page in pages]


def test_a_job_is_created_with_the_csv_we_can_read(server, org, make_answer):
    server.on(f"POST {JOBS}", make_answer(200, {"id": "750X", "state": "UploadComplete"}))
    assert BulkQuery.create(org, "SELECT Id FROM Lead").id == "750X"
    assert BulkQuery.create(org, "SELECT Id FROM Lead", deleted_too=True).id == "750X"
    bodies = [request.body for request in server.asked(f"POST {JOBS}")]
    assert b'"operation":"query"' in bodies[0]
    assert b'"operation":"queryAll"' in bodies[1]
    assert b'"lineEnding":"LF"' in bodies[0]
    assert b'"columnDelimiter":"COMMA"' in bodies[0]


def test_creating_a_job_is_repeated_when_its_fate_is_unknown(server, org, make_answer):
    server.on(f"POST {JOBS}", make_answer(hang_up=True), make_answer(502), make_answer(200, {"id": "750X"}))
    assert BulkQuery.create(org, "SELECT Id FROM Lead").id == "750X"


def test_waiting_polls_quickly_and_then_ever_more_slowly(server, org, make_answer, waits):
    running = [make_answer(200, {"state": "InProgress", "numberRecordsProcessed": n}) for n in range(30)]
    server.on(f"GET {JOB}", *running, make_answer(200, {"state": "JobComplete", "numberRecordsProcessed": 31}))
    seen = []
    assert BulkQuery(org, "750X").wait(seen.append).rows == 31
    assert [state.rows for state in seen] == [*range(30), 31]
    assert waits[0] == 0.05
    assert waits == sorted(waits)
    assert waits[-1] == 5.0


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (
            {"state": "Failed", "errorMessage": "InvalidBatch : Failed to process query: QUERY_TIMEOUT: Your query…"},
            "QUERY_TIMEOUT",
            "Failed to process query",
        ),
        ({"state": "Failed"}, "JOB_FAILED", "no reason"),
        ({"state": "Aborted"}, "JOB_ABORTED", "aborted"),
    ],
)
def test_a_job_that_fails_or_is_stopped_ends_the_waiting(server, org, make_answer, body, code, said):
    server.on(f"GET {JOB}", make_answer(200, {"state": "InProgress"}), make_answer(200, body))
    with pytest.raises(RequestRefused, match=said) as raised:
        BulkQuery(org, "750X").wait()
    assert raised.value.error_code == code
    assert raised.value.hint


def test_patience_ends_but_the_job_is_left_to_go_on(server, org, make_answer):
    server.on(f"GET {JOB}", make_answer(200, {"state": "InProgress"}))
    with pytest.raises(TemporaryFailure, match="is not ready after 1 minutes") as raised:
        BulkQuery(org, "750X").wait(patience=60)
    assert raised.value.context["job"] == "750X"
    assert server.asked(f"DELETE {JOB}") == []


@pytest.mark.parametrize("name", ["nextRecordsUrl", "nextRecordUrl"])
def test_pages_are_fetched_in_parallel_and_stand_in_the_orgs_order(job, by_locator, listed, csv_page, tmp_path, name):
    listed(["A", "B"], ["C"], name=name)
    by_locator({"A": csv_page(["1", "2"], "B", delay=0.1), "B": csv_page(["3"], "C"), "C": csv_page(["4", "5"])})
    arrived = []
    pages = job.download(tmp_path / "spool", arrived.append)
    assert ids(pages) == [["1", "2"], ["3"], ["4", "5"]]
    assert [page.rows for page in pages] == [2, 1, 2]
    assert [page.path.name for page in pages] == ["00001.csv", "00002.csv", "00003.csv"]
    assert sorted(arrived, key=lambda page: page.path) == pages
    assert sorted(path.name for path in (tmp_path / "spool").iterdir()) == [page.path.name for page in pages]
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert pages[0].path.stat().st_mode & 0o777 == 0o600


def test_no_more_connections_than_asked_for(job, server, listed, csv_page, tmp_path):
    listed(list("ABCDE"))
    barrier = threading.Barrier(4, timeout=5)
    now, most, lock = 0, 0, threading.Lock()

    def answer(_request):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        if len(server.asked(f"GET {RESULTS}")) <= 4:
            barrier.wait()  # only passes when four are under way at once
        with lock:
            now -= 1
        return csv_page(["x"])

    server.on(f"GET {RESULTS}", answer)
    assert len(job.download(tmp_path, connections=4)) == 5
    assert most == 4


def test_jobs_that_are_read_at_once_share_what_the_org_stands(job, server, org, listed, csv_page, tmp_path):
    listed(list("ABCDE"))
    org.downloads = threading.BoundedSemaphore(3)
    now, most, lock = 0, 0, threading.Lock()

    def answer(_request):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return csv_page(["x"])

    server.on(f"GET {RESULTS}", answer)
    with ThreadPoolExecutor(3) as pool:
        read = [pool.submit(BulkQuery(org, job.id).download, tmp_path / str(number)) for number in range(3)]
        assert [len(each.result()) for each in read] == [5, 5, 5]
    assert 1 < most <= 3


def test_an_older_version_is_read_page_after_page(
    server, transport, token, make_answer, by_locator, csv_page, tmp_path
):
    env = {"SF_ACCESS_TOKEN": token, "SF_ORG_INSTANCE_URL": server.url}
    old = connect(env=env, transport=transport, api_version="47.0")
    path = "/services/data/v47.0/jobs/query/750X"
    server.on(f"GET {path}", make_answer(200, {"state": "JobComplete", "numberRecordsProcessed": 3}))
    by_locator(
        {None: csv_page(["1"], "MTAw/=+"), "MTAw/=+": csv_page(["2"], "Z"), "Z": csv_page(["3"])}, f"{path}/results"
    )
    assert ids(BulkQuery(old, "750X").download(tmp_path)) == [["1"], ["2"], ["3"]]


def test_an_org_that_cannot_list_its_pages_is_read_page_after_page(job, server, by_locator, csv_page, tmp_path):
    by_locator({None: csv_page(["1", "2", "3"], "A"), "A": csv_page(["4", "5"])})
    assert ids(job.download(tmp_path)) == [["1", "2", "3"], ["4", "5"]]
    assert len(server.asked(f"GET {PAGES}")) == 1


@pytest.mark.parametrize(
    "body",
    [[], {"done": True}, {"resultPages": [{"url": "x"}], "done": True}, {"resultPages": "ab"}, {"resultPages": [None]}],
)
def test_a_list_of_pages_that_cannot_be_read_is_incomplete(job, server, make_answer, tmp_path, body):
    server.on(f"GET {PAGES}", make_answer(200, body))
    with pytest.raises(IncompleteAnswer, match="the list of pages"):
        job.download(tmp_path)


def test_a_list_of_pages_that_leads_back_is_noticed(job, server, make_answer, tmp_path):
    server.on(f"GET {PAGES}", make_answer(200, {"resultPages": [], "done": False, "nextRecordsUrl": PAGES}))
    with pytest.raises(IncompleteAnswer, match="circle"):
        job.download(tmp_path)


@pytest.mark.parametrize("body", [[], {}, {"state": "JobComplete", "numberRecordsProcessed": "many"}, "null"])
def test_a_job_that_does_not_say_where_it_stands_is_incomplete(server, org, make_answer, body):
    server.on(f"GET {JOB}", make_answer(200, body))
    with pytest.raises(IncompleteAnswer, match="the state of Bulk job 750X"):
        BulkQuery(org, "750X").state()


def test_a_locator_that_leads_back_is_noticed(job, by_locator, csv_page, tmp_path):
    by_locator({None: csv_page(["1"], "A"), "A": csv_page(["2"], "A")})
    with pytest.raises(IncompleteAnswer, match="circle"):
        job.download(tmp_path, connections=1)


@pytest.mark.parametrize("connections", [1, 4])
def test_no_rows_are_no_pages(server, org, make_answer, by_locator, listed, csv_page, tmp_path, connections):
    server.on(f"GET {JOB}", make_answer(200, {"state": "JobComplete", "numberRecordsProcessed": 0}))
    listed(["A"])
    by_locator({None: csv_page([]), "A": csv_page([])})
    assert BulkQuery(org, "750X").download(tmp_path, connections=connections) == []
    assert list(tmp_path.iterdir()) == []


def test_a_list_without_pages_is_fine_when_there_are_no_rows(server, org, make_answer, listed, tmp_path):
    server.on(f"GET {JOB}", make_answer(200, {"state": "JobComplete", "numberRecordsProcessed": 0}))
    listed([])
    assert BulkQuery(org, "750X").download(tmp_path) == []


@pytest.mark.parametrize("how", [{"cut": 30}, {"cut": 30, "chunked": True}, {"status": 503}, {"hang_up": True}])
def test_a_page_that_breaks_off_is_fetched_again_from_its_own_locator(
    job, server, by_locator, listed, csv_page, make_answer, tmp_path, how
):
    rows = ["1", "2", "3"]
    broken = make_answer(**how) if "status" in how or "hang_up" in how else csv_page(rows, "B", **how)
    listed(["A", "B"])
    by_locator({"A": [broken, broken, csv_page(rows, "B")], "B": csv_page(["4", "5"])})
    pages = job.download(tmp_path)
    assert ids(pages) == [rows, ["4", "5"]]
    asked = [request.query["locator"] for request in server.asked(f"GET {RESULTS}")]
    assert sorted(asked) == ["A", "A", "A", "B"]


def test_gzip_that_ends_early_is_noticed_even_when_http_is_content(job, by_locator, csv_page, make_answer, tmp_path):
    whole = csv_page(["1", "2", "3", "4", "5"])
    short = make_answer(200, whole.body[:-6], whole.headers)
    by_locator({None: [short, whole]})
    assert ids(job.download(tmp_path, connections=1)) == [["1", "2", "3", "4", "5"]]


def test_damaged_gzip_is_noticed(job, by_locator, csv_page, make_answer, tmp_path, waits):
    whole = csv_page(["1", "2", "3", "4", "5"])
    damaged = make_answer(200, whole.body[:20] + b"\x00\xff\x00" + whole.body[23:], whole.headers)
    by_locator({None: damaged})
    with pytest.raises(IncompleteAnswer, match="did not arrive whole"):
        job.download(tmp_path, connections=1)
    assert len(waits) == 4
    assert list(tmp_path.iterdir()) == []


def test_bytes_are_kept_exactly_as_they_came(job, by_locator, make_answer, tmp_path):
    body = '"Id","Name"\n"1","a\nb\u2028c\x0bd ""é"" 😀"\n'.encode() * 1 + b'"2","\r\n"\n' * 4
    headers = {"Content-Type": "text/csv;charset=UTF-8", "Sforce-NumberOfRecords": "5", "Sforce-Locator": "null"}
    by_locator({None: make_answer(200, body, headers, chunked=True)})
    (page,) = job.download(tmp_path, connections=1)
    assert page.path.read_bytes() == body


def test_a_large_page_of_many_equal_rows_is_spooled(job, by_locator, csv_page, tmp_path):
    row = "x" * 5_000
    by_locator({None: csv_page([row] * 4_000, count=5)})
    (page,) = job.download(tmp_path, connections=1)
    assert page.path.stat().st_size == 4_000 * 5_003 + 5


def test_pages_that_do_not_add_up_to_the_job_are_incomplete_and_the_job_is_kept(
    job, server, by_locator, listed, csv_page, tmp_path
):
    listed(["A"])
    by_locator({"A": csv_page(["1", "2"])})
    with pytest.raises(IncompleteAnswer, match="has 5 rows, but its pages 2") as raised:
        job.download(tmp_path)
    assert raised.value.context == {"job": "750X", "announced": 5, "received": 2}
    assert server.asked(f"DELETE {JOB}") == []


def test_a_page_without_its_count_is_incomplete(job, by_locator, make_answer, tmp_path):
    by_locator({None: make_answer(200, "Id\n1\n", {"Content-Type": "text/csv"})})
    with pytest.raises(IncompleteAnswer, match="without its number of rows"):
        job.download(tmp_path, connections=1)


def test_a_web_page_in_place_of_a_csv_is_not_spooled(job, by_locator, make_answer, tmp_path):
    by_locator({None: make_answer(200, "<html><title>Sign in</title></html>", {"Content-Type": "text/html"})})
    with pytest.raises(Exception, match="a web page “Sign in” instead of csv"):
        job.download(tmp_path, connections=1)
    assert list(tmp_path.iterdir()) == []


def test_when_one_page_fails_for_good_the_others_stop_and_nothing_half_is_left(
    job, by_locator, listed, csv_page, make_error, tmp_path
):
    listed(list("ABCDE"))
    slow = csv_page(["1"], delay=0.05)
    by_locator({"A": make_error(400, "INVALIDJOB", "gone"), "B": slow, "C": slow, "D": slow, "E": slow})
    with pytest.raises(RequestRefused, match="gone"):
        job.download(tmp_path)
    assert not list(tmp_path.glob("*.part"))
    assert not [t for t in threading.enumerate() if t.name.startswith("bulk-page")]


def test_a_page_that_waits_for_better_times_is_given_up_when_another_fails_for_good(
    server, token, by_locator, listed, make_answer, tmp_path
):
    transport = Transport(ca_file=server.ca_file, policy=RetryPolicy(first_wait=60, longest_wait=60))  # a real sleep
    org = connect(env={"SF_ACCESS_TOKEN": token, "SF_ORG_INSTANCE_URL": server.url}, transport=transport)
    server.on(f"GET {JOB}", make_answer(200, {"state": "JobComplete", "numberRecordsProcessed": 5}))
    listed(["A", "B"])
    by_locator(
        {"A": make_answer(503), "B": make_answer(400, [{"message": "gone", "errorCode": "INVALIDJOB"}], delay=0.2)}
    )
    with pytest.raises(RequestRefused, match="gone"):
        BulkQuery(org, "750X").download(tmp_path)
    assert len(server.asked(f"GET {RESULTS}")) == 2


def test_an_error_of_the_listener_ends_the_download(job, by_locator, listed, csv_page, tmp_path):
    listed(list("ABCDE"))
    by_locator({name: csv_page(["1"]) for name in "ABCDE"})

    def refuse(_page):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        job.download(tmp_path, refuse)
    assert not [t for t in threading.enumerate() if t.name.startswith("bulk-page")]


def test_a_disk_error_is_not_taken_for_a_network_error(job, by_locator, csv_page, tmp_path, waits):
    by_locator({None: csv_page(["1"])})
    (tmp_path / "00001.part").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        job.download(tmp_path, connections=1)
    assert waits == []


def test_deleting_a_job_that_is_gone_is_fine(server, job, make_answer, make_error):
    server.on(f"DELETE {JOB}", make_answer(204))
    job.delete()
    server.on(f"DELETE {JOB}", make_error(404, "NOT_FOUND"))
    job.delete()
    server.on(f"DELETE {JOB}", make_error(400, "API_ERROR", "job is running"))
    with pytest.raises(RequestRefused, match="job is running"):
        job.delete()
