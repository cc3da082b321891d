"""The SOAP partner API: one address for all calls."""

from __future__ import annotations

from dataclasses import replace

from werkzeug.wrappers import Response

from sfsync.fake.faults import XML, SoapFault
from sfsync.fake.routing import Context, Coverage, Route
from sfsync.fake.soap import conversion, describing, reading, replication, session, writing
from sfsync.fake.soap.call import Operation, SoapCall
from sfsync.fake.soap.envelope import bytes_of, local, read, text_of
from sfsync.fake.soap.fault import refusal
from sfsync.fake.soap.xml import answer

CALLS: dict[str, Operation] = {
    **session.CALLS,
    **reading.CALLS,
    **replication.CALLS,
    **writing.CALLS,
    **conversion.CALLS,
    **describing.CALLS,
}


def partner(context: Context, version: str, org_id: str = "") -> Response:  # noqa: ARG001 - the address names the org
    """Answer a partner API call."""
    message = read(bytes_of(context.request))
    name = local(message.call)
    if name == "login":
        return Response(answer(name, session.login(context, version, message.call)), content_type=XML)
    operation = CALLS.get(name)
    if operation is None:
        raise SoapFault(
            "UNKNOWN_EXCEPTION",
            f"No operation available for request {{urn:partner.soap.sforce.com}}{name}, please check the WSDL for the"
            " service.",
        )
    token = text_of(message.headers.get("SessionHeader"), "sessionId")
    user = context.org.access.user_of(token)
    if user is None:
        raise refusal("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
    app = context.org.app
    app.count_request()
    operation.check(message.call)
    call = SoapCall(replace(context, user_id=user, token=token), version, name, message.call, message.headers)
    usage = (app.used, context.org.settings.daily_api_requests)
    return Response(answer(name, operation.answer(call), usage), content_type=XML)


_NOTE = ", ".join(sorted([*CALLS, "login"], key=str.casefold))
_DETAILS = ("SOAP partner API", Coverage.PARTIAL, _NOTE)

ROUTES = (
    Route("POST", "/services/Soap/u/<version:version>", partner, *_DETAILS, login=False),
    Route("POST", "/services/Soap/u/<version:version>/<org_id>", partner, *_DETAILS, login=False),
)
