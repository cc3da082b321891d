"""Logins that the environment describes, in the words of the sf CLI and of simple-salesforce's users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sfsync.config.org_settings import OrgSettings
from sfsync.config.references import Reference
from sfsync.errors import UsageError
from sfsync.salesforce.addresses import org_address
from sfsync.salesforce.auth.access import Login, usable_token
from sfsync.salesforce.auth.access_token import AccessTokenLogin
from sfsync.salesforce.auth.client_credentials import ClientCredentialsLogin
from sfsync.salesforce.auth.jwt import JwtLogin, read_private_key
from sfsync.salesforce.auth.password import PasswordLogin
from sfsync.salesforce.redaction import Secret

PRODUCTION = "https://login.salesforce.com"

#: What is meant → the variables that may say it, first wins.
VARIABLES = {
    "access_token": ("SF_ACCESS_TOKEN",),
    "instance_url": ("SF_ORG_INSTANCE_URL", "SF_INSTANCE_URL"),
    "login_url": ("SF_LOGIN_URL", "SF_DOMAIN"),
    "username": ("SF_USERNAME",),
    "password": ("SF_PASSWORD",),
    "security_token": ("SF_SECURITY_TOKEN",),
    "client_id": ("SF_CLIENT_ID", "SF_CONSUMER_KEY"),
    "client_secret": ("SF_CLIENT_SECRET", "SF_CONSUMER_SECRET"),
    "private_key": ("SF_PRIVATE_KEY",),
    "private_key_file": ("SF_PRIVATE_KEY_FILE", "SF_JWT_KEY_FILE"),
    "api_version": ("SF_ORG_API_VERSION",),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What environment and settings say about how to log in.

    Attributes:
        env: The environment.
        settings: The org's entry in `sfsync.yml`, or None.
        order: Whose values count before the other's; an org named expressly is described by its entry alone.
    """

    env: Mapping[str, str]
    settings: OrgSettings | None = None
    order: Literal["env first", "settings first", "settings only"] = "env first"

    def in_env(self, name: str) -> tuple[str, str] | None:
        """Variable and value, if the environment has one of its own: not empty, and not what the settings refer to."""
        if self.order == "settings only":
            return None
        reference = getattr(self.settings, name, None)
        for variable in VARIABLES[name]:
            value = self.env.get(variable, "").strip()
            if value and not (isinstance(reference, Reference) and reference.target == variable):
                return variable, f"https://{value}.salesforce.com" if variable == "SF_DOMAIN" else value
        return None

    def get(self, name: str) -> tuple[str, str] | None:
        """Source and value, or None."""
        sources = (self.in_env, self._in_settings)
        ranked = sources if self.order == "env first" else reversed(sources)
        return next((found for source in ranked if (found := source(name))), None)

    def _in_settings(self, name: str) -> tuple[str, str] | None:
        value = self.settings.resolved(name, self.env) if self.settings is not None else None
        return (name, value) if value else None

    def need(self, name: str) -> str:
        """The value; raises `UsageError` when there is none."""
        found = self.get(name)
        if found is None:
            raise UsageError(
                f"To log in, {name} is missing.", hint=f"Set {VARIABLES[name][0]}, or {name} in sfsync.yml."
            )
        return found[1]

    def secret(self, name: str) -> Secret:
        """The value, as a secret."""
        return Secret(self.need(name))

    def maybe_secret(self, name: str) -> Secret | None:
        """The value as a secret, or None."""
        found = self.get(name)
        return Secret(found[1]) if found else None

    def address(self, *names: str, default: str | None = None) -> str:
        """The first of these addresses that is known."""
        for name in names:
            if found := self.get(name):
                return org_address(found[1], source=found[0])
        if default is not None:
            return default
        raise UsageError(
            "To log in, the address of the org is missing.",
            hint=f"Set {' or '.join(VARIABLES[name][0] for name in names)} to https://….my.salesforce.com.",
        )


def access_token_login(facts: Facts) -> Login:
    """Token and address as given."""
    source, token = facts.get("access_token") or ("access_token", facts.need("access_token"))
    return AccessTokenLogin(usable_token(token, source=source), facts.address("instance_url"))


def client_credentials_login(facts: Facts) -> Login:
    """Client id and secret at the org's own address."""
    return ClientCredentialsLogin(
        facts.need("client_id"), facts.secret("client_secret"), facts.address("login_url", "instance_url")
    )


def jwt_login(facts: Facts) -> Login:
    """Client id, user name and private key."""
    inline = facts.in_env("private_key") or (None if facts.in_env("private_key_file") else facts.get("private_key"))
    audience = facts.env.get("SF_AUDIENCE_URL", "").strip()
    return JwtLogin(
        facts.need("client_id"),
        facts.need("username"),
        Secret(inline[1]) if inline else read_private_key(Path(facts.need("private_key_file"))),
        facts.address("login_url", "instance_url", default=PRODUCTION),
        audience=org_address(audience, source="SF_AUDIENCE_URL") if audience else None,
    )


def password_login(facts: Facts) -> Login:
    """User name, password and, where needed, the security token."""
    client = facts.get("client_id")
    return PasswordLogin(
        facts.need("username"),
        facts.secret("password"),
        facts.address("login_url", "instance_url", default=PRODUCTION),
        security_token=facts.maybe_secret("security_token"),
        client_id=client[1] if client else None,
        client_secret=facts.maybe_secret("client_secret"),
    )


#: Flow → how to make it of the facts.
MAKERS: dict[str, Callable[[Facts], Login]] = {
    "access_token": access_token_login,
    "client_credentials": client_credentials_login,
    "jwt": jwt_login,
    "password": password_login,
}
