"""Scripted trouble: what a network and a busy org do to a client, on demand and repeatable.

::

    org.weather.add(Unavailable(), path="/jobs/query", times=2)      # 503 twice, then fine
    org.weather.add(ExpiredSession(), nth=3)                         # the third request of all
    org.weather.add(Truncated(0.5), path=r"/results$")               # half a page, then the line is cut
    org.weather.add(LockedRows(share=0.1), object_name="Lead")       # a tenth of the next leads written is locked
    org.weather.add(Silence(after_work=True), probability=0.05)      # now and then, for as long as the org lives

A rule says when (method, path, object, which call, how likely), a trouble says what. Rules are tried in the order in
which they were added, and all that fit act. `org.weather.load("storm.yml")` reads the same from a file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfsync.fake.weather.rules import Rule, Weather
    from sfsync.fake.weather.troubles import (
        ClockSkew,
        ConnectionRefused,
        Delay,
        ExpiredSession,
        GatewayPage,
        LimitExceeded,
        LineDropped,
        Refused,
        Reset,
        RevokedSession,
        Silence,
        Slow,
        TooManyRequests,
        Trouble,
        Truncated,
        Unavailable,
        WrongCount,
    )
    from sfsync.fake.weather.work import JobFailed, JobSlow, JobStuck, JobTrouble, LateCommit, LockedRows, Shuffled

__all__ = [
    "ClockSkew",
    "ConnectionRefused",
    "Delay",
    "ExpiredSession",
    "GatewayPage",
    "JobFailed",
    "JobSlow",
    "JobStuck",
    "JobTrouble",
    "LateCommit",
    "LimitExceeded",
    "LineDropped",
    "LockedRows",
    "Refused",
    "Reset",
    "RevokedSession",
    "Rule",
    "Shuffled",
    "Silence",
    "Slow",
    "TooManyRequests",
    "Trouble",
    "Truncated",
    "Unavailable",
    "Weather",
    "WrongCount",
]

_RULES = frozenset({"Rule", "Weather"})
_WORK = frozenset({"JobFailed", "JobSlow", "JobStuck", "JobTrouble", "LateCommit", "LockedRows", "Shuffled"})


def __getattr__(name: str) -> Any:
    # Most orgs live in fair weather: the troubles are imported by whoever makes some.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "rules" if name in _RULES else "work" if name in _WORK else "troubles"
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
