from __future__ import annotations

import pickle
from datetime import datetime

from sfsync.sync.events import ObjectResult
from sfsync.sync.result import PullResult

RESULT = PullResult(
    run_id="20260131T120000Z-1a2b",
    as_of=datetime(2026, 1, 31, 11, 55),
    objects=(
        ObjectResult("Lead", "done", api="bulk", read=1234, inserted=1234, total=1234),
        ObjectResult("User", "done", api="rest", total=8),
        ObjectResult("Task", "failed", reason="<script>alert('x')</script>"),
        ObjectResult("Event", "postponed", reason="the budget is spent"),
    ),
    local_tables=("crm.leads",),
    api_calls=17,
)


def test_a_result_says_in_one_line_what_happened() -> None:
    assert repr(RESULT) == (
        "<PullResult 20260131T120000Z-1a2b: 2 done, 1 failed, 1 postponed; as of 2026-01-31 11:55:00 UTC; 17 API calls>"
    )


def test_a_notebook_shows_a_table_and_runs_nothing_that_came_from_the_org() -> None:
    shown = RESULT._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<td>1,234</td>" in shown
    assert shown.count("<tr>") == 5


def test_a_result_is_complete_only_when_every_object_is() -> None:
    assert not RESULT.complete
    assert [each.object for each in RESULT.failed] == ["Task"]
    assert [each.object for each in RESULT.postponed] == ["Event"]


def test_a_result_becomes_rows_and_a_data_frame() -> None:
    assert RESULT.rows()[0]["inserted"] == 1234
    frame = RESULT.to_pandas()
    assert frame.set_index("object").loc["Lead", "total"] == 1234
    assert len(frame) == 4


def test_a_result_survives_the_way_from_one_process_to_another() -> None:
    assert pickle.loads(pickle.dumps(RESULT)) == RESULT
