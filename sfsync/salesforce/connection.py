"""From settings and environment to an org that answers."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

import requests

from sfsync.config.org_settings import OrgSettings
from sfsync.config.settings import Settings
from sfsync.salesforce.auth.choose import choose_login
from sfsync.salesforce.org import Org
from sfsync.salesforce.transport import Transport
from sfsync.salesforce.versions import choose_version, normalised

_log = logging.getLogger(__name__)


def connect(
    settings: Settings | OrgSettings | None = None,
    *,
    target_org: str | None = None,
    env: Mapping[str, str] = os.environ,
    session: requests.Session | None = None,
    api_version: str | None = None,
    transport: Transport | None = None,
) -> Org:
    """Log in to an org.

    Which org and how: `target_org` first, then the environment, then the settings; see `auth.choose.choose_login`.

    Args:
        settings: A project's settings, the entry of one org in them (then `target_org` is its name), or None.
        target_org: Name of an entry, or alias of a login of the sf CLI.
        env: The environment.
        session: Whose adapters, proxies and certificates to use, such as `FakeOrg.session()`.
        api_version: Such as `66.0`; otherwise what environment or settings pin, otherwise the newest the org offers.
        transport: Instead of one made of `session` and `env`, to set time-outs or the retry policy.

    Raises:
        UsageError: Nothing says how to log in, or what says it is wrong.
        AuthenticationFailed: The org refuses.
        Unreachable: The org does not answer.
    """
    transport = transport or Transport(session, env=env)
    choice = choose_login(settings, target_org, env)
    pinned = api_version or choice.api_version
    if pinned is not None:
        pinned = normalised(pinned)
    access = choice.login.log_in(transport)
    version = choose_version(transport, access.instance_url, pinned)
    org = Org(choice.login, access, transport=transport, api_version=version, name=choice.name)
    _log.info("Logged in to %s by %s, because %s; API %s.", org.name, choice.login, choice.reason, version)
    return org
