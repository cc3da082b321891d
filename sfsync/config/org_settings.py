"""How to log in to one org: the flow, and where its secrets are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from sfsync.config.model import Fault, StrictModel, faulty
from sfsync.config.references import Reference, Secret, TextOrReference
from sfsync.config.rule_settings import RuleSettingsMap

AuthFlow = Literal["access_token", "client_credentials", "jwt", "password", "sf_cli"]

_REQUIRED: dict[str, tuple[str, ...]] = {
    "access_token": ("instance_url", "access_token"),
    "client_credentials": ("client_id", "client_secret"),
    "jwt": ("client_id", "username"),
    "password": ("username", "password"),
    "sf_cli": (),
}
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "jwt": ("private_key_file", "private_key"),
    "password": ("security_token", "client_id", "client_secret"),
}
_FLOW_FIELDS = (
    "username",
    "password",
    "security_token",
    "access_token",
    "client_id",
    "client_secret",
    "private_key",
    "private_key_file",
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _check_url(value: str | Reference) -> str | Reference:
    if isinstance(value, Reference):
        return value
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in ("https", "http") or parts.query or parts.fragment:
        raise faulty(Fault("not an address of an org", "e.g. `https://example.my.salesforce.com`"))
    if parts.username or parts.password:
        raise faulty(Fault("an address may not hold a user name or password", "use `username` and `password`"))
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise faulty(Fault("the address is not encrypted", "write `https://`"))
    return value.rstrip("/")


def _parse_api_version(value: Any) -> Any:
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    match = re.fullmatch(r"v?([1-9][0-9]{1,2})(?:\.0)?", text)
    if match is None:
        raise faulty(Fault("not an API version", 'e.g. `"62.0"`'))
    return f"{match[1]}.0"


def _parse_key_file(value: Any, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise faulty(Fault("should be the path of a private key (PEM)"))
    root = (info.context or {}).get("root") or Path.cwd()
    return Path(root) / Path(value.strip()).expanduser()


Url = Annotated[TextOrReference, AfterValidator(_check_url)]


class OrgSettings(StrictModel):
    """One org and the way into it. Secrets are references (`${ENV}` or `file:PATH`), read only when logging in.

    Attributes:
        auth: The login flow; the `sf` CLI's stored login unless given.
        alias: The org's name in the `sf` CLI; its name in this file unless given.
        instance_url: Where the org answers.
        login_url: Where logins go; Salesforce's own unless given.
        api_version: e.g. `62.0`; the newest the org offers unless given.
        rules: What is changed about audit rules for this org.
    """

    auth: AuthFlow = "sf_cli"
    alias: str | None = None
    instance_url: Url | None = None
    login_url: Url | None = None
    api_version: (
        Annotated[str, BeforeValidator(_parse_api_version), WithJsonSchema({"type": ["string", "number"]})] | None
    ) = None
    username: TextOrReference | None = None
    password: Secret | None = None
    security_token: Secret | None = None
    access_token: Secret | None = None
    client_id: TextOrReference | None = None
    client_secret: Secret | None = None
    private_key: Secret | None = None
    private_key_file: Annotated[Path, BeforeValidator(_parse_key_file), WithJsonSchema({"type": "string"})] | None = (
        None
    )
    rules: RuleSettingsMap = Field(default_factory=dict)

    @model_validator(mode="after")
    def _flow_has_what_it_needs(self) -> Self:
        required = _REQUIRED[self.auth]
        allowed = {*required, *_OPTIONAL.get(self.auth, ())}
        faults = [
            Fault(f"`auth: {self.auth}` needs `{name}`", key=True) for name in required if getattr(self, name) is None
        ]
        faults += [
            Fault(f"`{name}` is not used by `auth: {self.auth}`", _flows_with(name), (name,), key=True)
            for name in _FLOW_FIELDS
            if getattr(self, name) is not None and name not in allowed
        ]
        if self.auth == "jwt" and (self.private_key is None) == (self.private_key_file is None):
            faults.append(Fault("`auth: jwt` needs one of `private_key_file` and `private_key`", key=True))
        if self.auth == "client_credentials" and self.instance_url is None and self.login_url is None:
            hint = "client credentials work only at the org's own address, e.g. `https://example.my.salesforce.com`"
            faults.append(Fault("`auth: client_credentials` needs `login_url` or `instance_url`", hint, key=True))
        if faults:
            raise faulty(*faults)
        return self

    def resolved(self, name: str, env: Mapping[str, str] | None = None) -> str | None:
        """The value of a key with its reference followed now, or None where the key is not given."""
        value = getattr(self, name)
        if isinstance(value, Reference):
            return value.resolve(env)
        return None if value is None else str(value)


def _flows_with(name: str) -> str:
    flows = [flow for flow in _REQUIRED if name in (*_REQUIRED[flow], *_OPTIONAL.get(flow, ()))]
    return "set " + " or ".join(f"`auth: {flow}`" for flow in flows)
