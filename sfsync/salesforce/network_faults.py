"""What it means when no answer arrives: name, network, TLS, proxy, time-out, or a connection that breaks off."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3

from sfsync.errors import IncompleteAnswer, Unreachable
from sfsync.salesforce.faults import AttemptFailed
from sfsync.salesforce.redaction import clean

_Causes = tuple[BaseException, ...]

_TRUST_HINT = (
    "If your network or a test org has its own certificate authority, name its file in REQUESTS_CA_BUNDLE; "
    "never turn the check off."
)
_NAME_HINT = "Check the address of the org (Setup → My Domain) and that this machine can resolve names."


def fault_of_exception(error: Exception, host: str) -> AttemptFailed:
    """The fault that an exception of `requests`, `urllib3` or the socket layer stands for."""
    causes = tuple(_causes(error))
    for explain in (_untrusted, _proxy_in_the_way, _never_connected, _broke_off):
        if fault := explain(error, causes, host):
            return fault
    return _lost(f"{host} cannot be asked: {_reason(error)}.", "Check the address of the org.")


def _untrusted(_error: Exception, causes: _Causes, host: str) -> AttemptFailed | None:
    if certificate := _first(causes, ssl.SSLCertVerificationError):
        return _lost(f"{host} has a certificate that this machine does not trust: {_reason(certificate)}.", _TRUST_HINT)
    if missing := next((cause for cause in causes if "TLS CA certificate bundle" in str(cause)), None):
        return _lost(f"The certificate file does not exist: {_reason(missing)}.", "Check REQUESTS_CA_BUNDLE.")
    return None


def _proxy_in_the_way(error: Exception, causes: _Causes, host: str) -> AttemptFailed | None:
    if not isinstance(error, requests.exceptions.ProxyError):
        return None
    if any("407" in str(cause) for cause in causes):
        return _lost(f"The proxy on the way to {host} wants a login.", "Put user and password into HTTPS_PROXY.")
    return _lost(
        f"The proxy on the way to {host} does not let us through: {_socket_reason(causes)}.",
        "Check HTTPS_PROXY and NO_PROXY.",
        temporary=True,
        unprocessed=True,  # the tunnel to the org was never built
    )


def _never_connected(_error: Exception, causes: _Causes, host: str) -> AttemptFailed | None:
    if name := _first(causes, socket.gaierror):
        again = name.errno == socket.EAI_AGAIN
        return _lost(f"The name {host} cannot be resolved.", _NAME_HINT, temporary=again, unprocessed=True)
    if _first(causes, urllib3.exceptions.NewConnectionError, ConnectionRefusedError):  # urllib3: a kind of time-out
        why, hint = _socket_reason(causes), "Check the address and the network."
    elif _first(causes, requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        why, hint = "no connection in time", "Check the network, a firewall or a proxy (HTTPS_PROXY)."
    else:
        return None
    return _lost(f"{host} cannot be reached: {why}.", hint, temporary=True, unprocessed=True)


def _broke_off(error: Exception, causes: _Causes, host: str) -> AttemptFailed | None:
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        cut = IncompleteAnswer(f"The answer of {host} broke off.", hint="Try again; the network may be unstable.")
        return AttemptFailed(cut, temporary=True)
    if _first(causes, requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return _lost(f"{host} did not answer in time.", "Try again; a smaller query may help.", temporary=True)
    if _first(causes, ssl.SSLError, urllib3.exceptions.SSLError):
        return _lost(f"No secure connection to {host}: {_socket_reason(causes)}.", _TRUST_HINT, temporary=True)
    if isinstance(error, ValueError) or not isinstance(error, OSError | urllib3.exceptions.HTTPError):
        return None  # an address or header that cannot be sent at all
    return _lost(f"The connection to {host} broke: {_socket_reason(causes)}.", "Try again.", temporary=True)


def _lost(message: str, hint: str, *, temporary: bool = False, unprocessed: bool = False) -> AttemptFailed:
    return AttemptFailed(Unreachable(message, hint=hint), temporary=temporary, unprocessed=unprocessed)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything it was made of: causes, and what urllib3 keeps in `reason` and `args`.

    Not `__context__`: that may be an unrelated exception that someone further out is handling.
    """
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = [one.__cause__, getattr(one, "reason", None), *one.args]
        waiting.extend(item for item in inside if isinstance(item, BaseException))


def _first(causes: _Causes, *kinds: type[BaseException]) -> OSError | None:
    found = next((cause for cause in causes if isinstance(cause, kinds)), None)
    return found if isinstance(found, OSError) or found is None else OSError(str(found))


def _socket_reason(causes: _Causes) -> str:
    """The innermost plain reason, e.g. `Connection refused`, instead of urllib3's nested prose."""
    plain = [c.strerror for c in causes if isinstance(c, OSError) and c.strerror and not isinstance(c, socket.gaierror)]
    return clean(plain[-1] if plain else str(causes[-1]) or type(causes[-1]).__name__, 150).rstrip(".")


def _reason(error: BaseException) -> str:
    message = getattr(error, "verify_message", None) or str(error)
    return clean(message, 200).rstrip(".")
