from __future__ import annotations

import sys
import threading
from datetime import datetime

import pytest

from sfsync.cli import progress
from sfsync.cli.console import Console
from sfsync.cli.progress import describe_forecast, pull_progress
from sfsync.sync.events import JobStateSeen, ObjectResult, ObjectStarted, PageRead, PullStarted

STARTED = PullStarted(("Lead", "Task"), datetime(2026, 1, 31, 11, 55), expected_calls=1200, expected_jobs=1)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> object:
    def lines() -> list[str]:
        return capsys.readouterr().err.splitlines()

    return lines


def test_the_forecast_is_one_line() -> None:
    assert describe_forecast(STARTED) == ["2 objects: about 1,200 API calls and 1 Bulk job"]


def test_a_forecast_beyond_the_budget_says_what_will_happen() -> None:
    over = PullStarted(("Lead",), datetime(2026, 1, 31), 1200, 1, calls_left=300)
    assert over.over_budget
    first, second = describe_forecast(over)
    assert first == "1 object: about 1,200 API calls and 1 Bulk job"
    assert "leaves 300 API calls" in second
    assert "waits for the next pull" in second


def test_objects_that_are_read_at_once_are_told_apart(told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY", -1.0)
    with pull_progress(Console()) as listen:
        for event in (
            STARTED,
            ObjectStarted("Lead", 5000),
            ObjectStarted("Task", None),
            PageRead("Lead", 2000),
            JobStateSeen("Task", "InProgress", 70),
            PageRead("Lead", 1000),
            PageRead("Task", 70),
            ObjectResult("Task", "done", api="bulk", inserted=70, total=70),
            ObjectResult("Lead", "postponed", reason="this run's budget of 300 API calls is spent"),
        ):
            listen(event)
    lines = told()
    assert "Lead: reading, 3,000 received" in lines
    assert "Task: InProgress, 70 records, 0 received" in lines
    assert lines[-2:] == [
        "Task: 70 new; 70 records (bulk)",
        "Lead: postponed: this run's budget of 300 API calls is spent",
    ]


def test_a_line_tells_of_every_object_that_has_moved_since_the_last_one(told, monkeypatch: pytest.MonkeyPatch) -> None:
    with pull_progress(Console()) as listen:
        listen(ObjectStarted("Lead", 5000))
        listen(PageRead("Lead", 2000))
        monkeypatch.setattr(progress, "LINE_EVERY", -1.0)
        listen(PageRead("Task", 7))
        listen(PageRead("Task", 7))
    assert told() == ["Lead: reading, 2,000 received; Task: reading, 7 received", "Task: reading, 14 received"]


def test_a_terminal_shows_a_bar_for_each_object_under_way_and_a_line_for_those_that_are_done(
    told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pull_progress(Console()) as listen:
        listen(STARTED)
        listen(PageRead("Never", 1))  # of an object that nobody announced
        threads = [
            threading.Thread(target=lambda name=name: [listen(ObjectStarted(name, 10)), listen(PageRead(name, 10))])
            for name in ("Lead", "Task", "[bold]Odd[/bold]\x1b[31m")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        listen(JobStateSeen("Lead", "InProgress", 5))
        listen(ObjectResult("Lead", "done", api="rest", inserted=10, total=10))
        listen(ObjectResult("Task", "failed", reason="[red]no[/red]\x1b[31m"))
    shown = "\n".join(told())
    assert "✓ Lead: 10 new; 10 records (rest)" in shown
    assert "✗ Task: failed: [red]no[/red]\\x1b[31m" in shown
