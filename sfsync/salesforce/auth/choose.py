"""Which login is used: the org named expressly, else what the environment says, else the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sfsync.config.org_settings import OrgSettings
from sfsync.config.settings import Settings
from sfsync.errors import UsageError
from sfsync.salesforce.auth.access import Login
from sfsync.salesforce.auth.environment import MAKERS, VARIABLES, Facts
from sfsync.salesforce.auth.sf_cli import SfCliLogin

# Flow → the value that decides for it when the environment has it, and what must be known beside. First match wins.
_BY_ENVIRONMENT = (
    ("access_token", ("access_token",), ("instance_url",)),
    ("jwt", ("private_key", "private_key_file"), ("client_id", "username")),
    ("password", ("password",), ("username",)),
    ("client_credentials", ("client_secret",), ("client_id",)),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The login that is used.

    Attributes:
        login: Ready to log in.
        reason: What made us choose it, for `doctor` and the log.
        name: What the user calls the org, or None.
        api_version: Pinned by environment or settings, or None.
    """

    login: Login
    reason: str
    name: str | None = None
    api_version: str | None = None


def choose_login(settings: Settings | OrgSettings | None, target_org: str | None, env: Mapping[str, str]) -> Choice:
    """Choose how to log in.

    1. The org named expressly, by `target_org` or SF_TARGET_ORG: its entry in the settings, else the sf CLI's login of
       that name. Credentials in the environment are for another org then, and do not count.
    2. Credentials in the environment; what they leave open (a login address, say) comes from the settings.
    3. The settings' own org; what it leaves open comes from the environment.

    Args:
        settings: A project's settings, the entry of one org (then `target_org` is its name), or None.
        target_org: Alias given expressly, or None.
        env: The environment.

    Raises:
        UsageError: Nothing says how to log in, or what says it is not complete.
    """
    named = target_org or env.get("SF_TARGET_ORG", "").strip() or None
    if named:
        source = "--target-org" if target_org else "SF_TARGET_ORG"
        entry = _entry(settings, named)
        return _by_settings(Facts(env, entry, "settings only"), named, f"{source} names {named!r}")
    own_name, own = _own_org(settings)
    facts = Facts(env, own)
    return _by_environment(facts) or _by_own_org(replace(facts, order="settings first"), own_name) or _give_up(facts)


def _entry(settings: Settings | OrgSettings | None, name: str) -> OrgSettings | None:
    return settings.orgs.get(name) if isinstance(settings, Settings) else settings


def _own_org(settings: Settings | OrgSettings | None) -> tuple[str | None, OrgSettings | None]:
    """Name and entry of the org that the settings mean when nobody names one."""
    if settings is None or isinstance(settings, OrgSettings):
        return (settings.alias if settings else None), settings
    name = settings.target_org or (next(iter(settings.orgs)) if len(settings.orgs) == 1 else None)
    return name, settings.orgs.get(name) if name else None


def _by_environment(facts: Facts) -> Choice | None:
    for flow, deciding, beside in _BY_ENVIRONMENT:
        found = next((hit for name in deciding if (hit := facts.in_env(name))), None)
        if found is None or (flow != "access_token" and not all(facts.get(name) for name in beside)):
            continue
        return _choice(facts, MAKERS[flow](facts), f"{found[0]} is set")
    return None


def _by_own_org(facts: Facts, name: str | None) -> Choice | None:
    if facts.settings is None and name is None:
        return None
    return _by_settings(facts, name, f"sfsync.yml names {name!r}" if name else "the settings say so")


def _by_settings(facts: Facts, name: str | None, reason: str) -> Choice:
    entry = facts.settings
    if entry is not None and entry.auth != "sf_cli":
        return _choice(facts, MAKERS[entry.auth](facts), f"{reason}, with auth: {entry.auth}", name)
    alias = (entry.alias if entry else None) or name
    if alias is None:
        raise UsageError(
            "The settings leave the sf CLI's login open.", hint="Give the org an alias, or use --target-org."
        )
    return _choice(facts, SfCliLogin(alias, facts.env), f"{reason}, a login of the sf CLI", name or alias)


def _choice(facts: Facts, login: Login, reason: str, name: str | None = None) -> Choice:
    version = facts.env.get("SF_ORG_API_VERSION", "").strip() or (
        facts.settings.api_version if facts.settings else None
    )
    return Choice(login, reason, name, version)


def _give_up(facts: Facts) -> Choice:
    """Say what was looked for, and what of it was half there."""
    halves = [
        f"{found[0]} is set, but not {' and '.join(VARIABLES[name][0] for name in missing)}"
        for _flow, deciding, beside in _BY_ENVIRONMENT
        if (found := next((hit for name in deciding if (hit := facts.in_env(name))), None))
        and (missing := [name for name in beside if not facts.get(name)])
    ]
    alone = "SF_USERNAME is set, but not SF_PASSWORD" if facts.in_env("username") and not halves else None
    incomplete = "; ".join([*halves, *([alone] if alone else [])])
    raise UsageError(
        "Nothing says which org to use" + (f": {incomplete}." if incomplete else "."),
        hint="Name a login of the sf CLI with --target-org ALIAS, or set SF_ACCESS_TOKEN and SF_ORG_INSTANCE_URL, or "
        "SF_USERNAME, SF_PASSWORD and SF_SECURITY_TOKEN, or SF_CLIENT_ID, SF_CLIENT_SECRET and SF_LOGIN_URL, or add "
        "the org to sfsync.yml. `sfsync demo` needs none.",
        context={"incomplete": incomplete or None},
    )
