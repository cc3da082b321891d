from __future__ import annotations

import pytest

from sfsync.errors import RequestRefused
from sfsync.salesforce.limits import Limit, limits

LIMITS = "GET /services/data/v66.0/limits"


def test_limits_are_read_by_name(server, org, make_answer):
    body = {"DailyApiRequests": {"Max": 15000, "Remaining": 14998, "Some App": {"Max": 1, "Remaining": 1}}, "Odd": 1}
    server.on(LIMITS, make_answer(200, body))
    assert limits(org) == {"DailyApiRequests": Limit(15000, 14998)}


def test_a_user_who_may_not_see_them_is_told(server, org, make_error):
    server.on(LIMITS, make_error(403, "FORBIDDEN", "You do not have permission"))
    with pytest.raises(RequestRefused, match="You do not have permission"):
        limits(org)
