"""From settings and environment to an org that answers."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict, Unpack

import requests

from sfsync.config.org_settings import OrgSettings
from sfsync.config.settings import Settings
from sfsync.errors import UsageError
from sfsync.salesforce.auth.choose import Choice, choose_login
from sfsync.salesforce.auth.environment import VARIABLES
from sfsync.salesforce.org import Org
from sfsync.salesforce.transport import Transport
from sfsync.salesforce.versions import choose_version, normalised

_log = logging.getLogger(__name__)


class Credentials(TypedDict, total=False):
    """How to log in, said in so many words; which of them are given decides how.

    Attributes:
        access_token: Of a session that is open already; with `instance_url`.
        instance_url: `https://….my.salesforce.com`.
        username: With `password` (and `security_token`), or with `client_id` and a private key.
        password: Of that user.
        security_token: Of that user, where the address is not a trusted one.
        client_id: Of a connected app; with `client_secret`, or with a private key.
        client_secret: Of that app.
        private_key: PEM text of a JWT login.
        private_key_file: Or the file it is in.
        login_url: Where to log in, e.g. `https://test.salesforce.com`.
    """

    access_token: str
    instance_url: str
    username: str
    password: str
    security_token: str
    client_id: str
    client_secret: str
    private_key: str
    private_key_file: str
    login_url: str


def connect(
    settings: Settings | OrgSettings | None = None,
    *,
    target_org: str | None = None,
    env: Mapping[str, str] = os.environ,
    session: requests.Session | None = None,
    api_version: str | None = None,
    transport: Transport | None = None,
    **credentials: Unpack[Credentials],
) -> Org:
    """Log in to an org.

    Which org and how: `credentials` alone where there are any; else `target_org`, then the environment, then the
    settings; see `auth.choose.choose_login`.

    Args:
        settings: A project's settings, the entry of one org in them (then `target_org` is its name), or None.
        target_org: Name of an entry, or alias of a login of the sf CLI.
        env: The environment.
        session: Whose adapters, proxies and certificates to use, such as `FakeOrg.session()`.
        api_version: Such as `66.0`; otherwise what environment or settings pin, otherwise the newest the org offers.
        transport: Instead of one made of `session` and `env`, to set time-outs or the retry policy.
        credentials: Such as `access_token=…, instance_url=…`; environment and settings then say nothing.

    Raises:
        UsageError: Nothing says how to log in, or what says it is wrong.
        AuthenticationFailed: The org refuses.
        Unreachable: The org does not answer.
    """
    transport = transport or Transport(session, env=env)
    choice = _explicit(credentials, settings, target_org) if credentials else choose_login(settings, target_org, env)
    pinned = api_version or choice.api_version
    if pinned is not None:
        pinned = normalised(pinned)
    access = choice.login.log_in(transport)
    version = choose_version(transport, access.instance_url, pinned)
    org = Org(choice.login, access, transport=transport, api_version=version, name=choice.name)
    _log.info("Logged in to %s by %s, because %s; API %s.", org.name, choice.login, choice.reason, version)
    return org


def _explicit(credentials: Credentials, settings: Settings | OrgSettings | None, target_org: str | None) -> Choice:
    """The login that was given in so many words: chosen like one of the environment, by the same rules."""
    if settings is not None or target_org is not None:
        raise UsageError(
            "Credentials are given, and another org is named as well.",
            hint="Give connect() either credentials, or settings and target_org.",
        )
    unknown = sorted(set(credentials) - set(VARIABLES))
    if unknown:
        raise UsageError(f"connect() knows no {', '.join(unknown)}.", hint=f"It knows {', '.join(VARIABLES)}.")
    given = {name: value for name, value in credentials.items() if isinstance(value, str) and value}
    choice = choose_login(None, None, {VARIABLES[name][0]: value for name, value in given.items()})
    return replace(choice, reason="its credentials were given")
