"""The server's own levers, which no Salesforce has: `/_fake/state`, `/reset`, `/clock`, `/weather`, `/calls`.

They need no login, and answer to this machine alone: not to other hosts, and not to web pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import orjson
from werkzeug.wrappers import Request, Response

from sfsync.errors import ConfigError
from sfsync.fake import faults
from sfsync.fake.calls import Call
from sfsync.fake.faults import RestFault
from sfsync.fake.routing import json_response
from sfsync.fake.weather.file import parse_weather

if TYPE_CHECKING:
    from sfsync.fake.org import FakeOrg

ROOT = "/_fake"

_LONGEST = 1024 * 1024
_SECRET = re.compile(r"(?<=oauth_token=)[^&]*")
_MOST_SECONDS = 100 * 366 * 86_400.0


def is_for_control(path: str) -> bool:
    """Whether a request is for the levers rather than for Salesforce."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def answer(org: FakeOrg, request: Request, path: str) -> Response:
    """Pull a lever."""
    if not _is_local(request):
        raise RestFault(403, "FORBIDDEN", "The control endpoints answer to the machine that the org runs on alone")
    levers = _LEVERS.get(path.removeprefix(ROOT))
    if levers is None:
        raise RestFault(404, "NOT_FOUND", f"There are {', '.join(ROOT + one for one in _LEVERS)}")
    lever = levers.get(request.method)
    if lever is None:
        raise faults.method_not_allowed(request.method, ", ".join(levers))
    with nullcontext() if lever is _reset else org.gate.passing():
        return json_response(lever(org, request))


def _is_local(request: Request) -> bool:
    """From this machine, and not by order of a web page that somebody has open on it."""
    address = request.environ.get("REMOTE_ADDR")
    if "Origin" in request.headers:
        return False
    try:
        return address is None or ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _state(org: FakeOrg, request: Request | None = None) -> dict[str, Any]:  # noqa: ARG001 - all levers are pulled alike
    return {
        "organizationId": org.org_id,
        "instanceUrl": org.instance_url,
        "clock": _time(org),
        "objects": {facts.name: count for facts in org.catalog if (count := org.count(facts.name))},
        "planted": {rule: len(ids) for rule, ids in org.planted.items()},
        "apiRequests": {"used": org.app.used, "allowed": org.settings.daily_api_requests},
        "calls": len(org.requests),
        "weather": [rule.told for rule in org.weather],
    }


def _reset(org: FakeOrg, request: Request) -> dict[str, Any]:  # noqa: ARG001
    org.reset()
    return _state(org)


def _clock(org: FakeOrg, request: Request) -> dict[str, Any]:  # noqa: ARG001
    return _time(org)


def _time(org: FakeOrg) -> dict[str, Any]:
    return {"now": org.clock.now().isoformat(timespec="milliseconds"), "ticking": org.clock.ticking}


def _set_clock(org: FakeOrg, request: Request) -> dict[str, Any]:
    """`{"set": moment}`, `{"advance": seconds}`, `{"freeze": true}`, alone or together, in this order."""
    wanted = _object(request)
    unknown = set(wanted) - {"set", "advance", "freeze"}
    if unknown or not wanted:
        raise faults.invalid_input("set, advance or freeze is wanted")
    moment, step, freeze = _moment(wanted.get("set")), wanted.get("advance", 0), wanted.get("freeze")
    if isinstance(step, bool) or not isinstance(step, (int, float)) or not abs(step) < _MOST_SECONDS:
        raise faults.invalid_input("advance: a number of seconds is wanted")
    if not isinstance(freeze, bool | None):
        raise faults.invalid_input("freeze: true or false is wanted")
    try:
        if moment is not None:
            org.clock.set(moment)
        org.clock.advance(timedelta(seconds=step))
    except OverflowError as error:
        raise faults.invalid_input("the clock cannot go there") from error
    if freeze is not None:
        (org.clock.freeze if freeze else org.clock.tick)()
    return _time(org)


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise faults.invalid_input("set: a moment such as 2026-01-31T12:00:00Z is wanted") from error
    if not 1970 <= moment.year <= 2200:
        raise faults.invalid_input("set: a moment between 1970 and 2200 is wanted")
    return moment


def _weather(org: FakeOrg, request: Request) -> dict[str, Any]:  # noqa: ARG001
    return {"seed": org.weather.seed, "weather": [rule.told for rule in org.weather]}


def _add_weather(org: FakeOrg, request: Request) -> dict[str, Any]:
    try:
        forecast = parse_weather(_body(request), "request body")
    except ConfigError as error:
        problems = "; ".join(map(str, error.problems))
        raise faults.invalid_input(problems) from error
    forecast.add_to(org.weather)
    return _weather(org, request)


def _clear_weather(org: FakeOrg, request: Request) -> dict[str, Any]:
    org.weather.clear()
    return _weather(org, request)


def _calls(org: FakeOrg, request: Request) -> dict[str, Any]:
    """The log, oldest first; `path` (a regular expression) and `method` choose."""
    try:
        pattern = re.compile(request.args.get("path", ""))
    except re.error as error:
        raise faults.invalid_input(f"path is not a regular expression: {error}") from error
    method = request.args.get("method")
    calls = [call for call in org.requests if pattern.search(call.path) and method in {None, call.method}]
    return {"calls": [_told(call) for call in calls]}


def _told(call: Call) -> dict[str, Any]:
    return {
        "method": call.method,
        "path": call.path,
        "query": _SECRET.sub("…", call.query),
        "status": call.status,
        "at": call.at.isoformat(timespec="milliseconds"),
        "headers": {name: value for name, value in call.headers.items() if name != "x-sfdc-session"},
    }


def _clear_calls(org: FakeOrg, request: Request) -> dict[str, Any]:
    org.requests.clear()
    return _calls(org, request)


def _body(request: Request) -> bytes:
    if (request.content_length or 0) > _LONGEST:
        raise faults.body_too_large()
    return request.get_data()


def _object(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(_body(request))
    except orjson.JSONDecodeError as error:
        raise faults.json_unreadable(str(error)) from error
    if not isinstance(body, dict):
        raise faults.json_unreadable("a JSON object is wanted")
    return body


Lever = Callable[["FakeOrg", Request], dict[str, Any]]

_LEVERS: dict[str, dict[str, Lever]] = {
    "/state": {"GET": _state},
    "/reset": {"POST": _reset},
    "/clock": {"GET": _clock, "POST": _set_clock},
    "/weather": {"GET": _weather, "POST": _add_weather, "DELETE": _clear_weather},
    "/calls": {"GET": _calls, "DELETE": _clear_calls},
}
