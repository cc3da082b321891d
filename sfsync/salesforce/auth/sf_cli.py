"""Login with what the `sf` CLI keeps: no secret of ours at all."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from sfsync.errors import AuthenticationFailed, UsageError
from sfsync.salesforce.addresses import org_address
from sfsync.salesforce.auth.access import Access, has_token_shape, to_18
from sfsync.salesforce.redaction import Secret, clean
from sfsync.salesforce.transport import Transport

_TIME_OUT = 90.0  # it may refresh the token over the network
_QUIET = {"NO_COLOR": "1", "FORCE_COLOR": "0", "SF_AUTOUPDATE_DISABLE": "true", "SF_SKIP_NEW_VERSION_CHECK": "true"}


@dataclass(frozen=True, slots=True)
class SfCliLogin:
    """The stored login of an alias or user name of the `sf` CLI.

    `sf org display` gives the address; since May 2026 it blacks the token out, which `sf org auth show-access-token`
    shows. An older CLI lacks that command and still has the token in `org display`.

    Attributes:
        alias: Alias or user name.
        env: Environment of the CLI: its PATH, its HOME.
        time_out: Seconds for each of its commands.
    """

    alias: str
    env: Mapping[str, str] = field(repr=False)
    time_out: float = _TIME_OUT

    flow: ClassVar[str] = "sf_cli"
    repeatable: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"sf CLI login {self.alias!r}"

    def log_in(self, transport: Transport) -> Access:  # noqa: ARG002 - the CLI does the talking
        """Ask the CLI for address and token; it refreshes the token when it can."""
        if self.alias.startswith("-") or not self.alias.strip():
            raise UsageError(
                f"{clean(self.alias, 60)!r} cannot be the alias of an org.", hint="sf org list shows the aliases."
            )
        shown = self._ask("org", "display")
        if not isinstance(shown.get("instanceUrl"), str):
            raise AuthenticationFailed(f"The sf CLI knows no address of {self.alias!r}.", hint=self._log_in_again())
        token = self._token(shown)
        org_id = shown.get("id")
        return Access(
            Secret(token),
            org_address(shown["instanceUrl"], source="instanceUrl of the sf CLI"),
            org_id=to_18(org_id) if isinstance(org_id, str) and org_id.startswith("00D") else None,
        )

    def _token(self, shown: Mapping[str, Any]) -> str:
        try:
            token = self._ask("org", "auth", "show-access-token").get("accessToken")
        except _NoSuchCommand:
            token = shown.get("accessToken")
        if isinstance(token, str) and has_token_shape(token):
            return token
        status = shown.get("connectedStatus")
        reason = f": {clean(status, 200).rstrip('.')}" if isinstance(status, str) and status != "Connected" else ""
        raise AuthenticationFailed(
            f"The sf CLI has no usable token of {self.alias!r}{reason}.", hint=self._log_in_again()
        )

    def _ask(self, *command: str) -> dict[str, Any]:
        """The `result` of one CLI command. Its output may hold the token, so it is quoted only when it is an error."""
        program = shutil.which("sf", path=self.env.get("PATH"))
        if program is None:
            raise AuthenticationFailed(
                f"{self.alias!r} would be a login of the sf CLI, but there is no sf on this machine.",
                hint="Install it (npm install --global @salesforce/cli) and run sf org login web --alias "
                f"{self.alias}, or set SF_ACCESS_TOKEN and SF_ORG_INSTANCE_URL instead.",
            )
        argv = [program, *command, "--target-org", self.alias, "--json"]
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell; the alias cannot be taken for an option
                argv,
                capture_output=True,
                check=False,
                env={**self.env, **_QUIET},
                stdin=subprocess.DEVNULL,
                timeout=self.time_out,
            )
        except subprocess.TimeoutExpired:
            raise AuthenticationFailed(  # `from None`: the exception holds what was printed so far
                f"sf {' '.join(command)} did not finish within {self.time_out:g} seconds.", hint=self._try_it(command)
            ) from None
        except OSError as error:
            raise AuthenticationFailed(f"sf cannot be started: {error.strerror}.", hint=self._try_it(command)) from None
        answer = _json_object(done.stdout)
        if done.returncode == 0 and answer is not None:
            result = answer.get("result")
            return result if isinstance(result, dict) else {"accessToken": result}
        raise self._failed(command, answer, done.stderr)

    def _failed(self, command: tuple[str, ...], answer: dict[str, Any] | None, stderr: bytes) -> Exception:
        name = str((answer or {}).get("name") or "")
        said = str((answer or {}).get("message") or stderr.decode(errors="replace"))
        if "not a sf command" in said or ("not found" in said and "command" in said.lower()):
            return _NoSuchCommand()
        if name in {"NamedOrgNotFoundError", "NamedOrgNotFound", "AuthInfoCreationError"} or "No authorization" in said:
            return AuthenticationFailed(
                f"The sf CLI knows no org {self.alias!r}.",
                hint=f"sf org list shows the ones it knows; sf org login web --alias {self.alias} adds one.",
            )
        if "expired" in said.lower() or "RefreshToken" in name:
            return AuthenticationFailed(
                f"The sf CLI's login of {self.alias!r} has expired: {clean(said, 200).rstrip('.')}.",
                hint=self._log_in_again(),
            )
        reason = clean(said, 200).rstrip(".") or "it does not say why"
        return AuthenticationFailed(f"sf {' '.join(command)} failed: {reason}.", hint=self._try_it(command))

    def _log_in_again(self) -> str:
        return f"Log in again: sf org login web --alias {self.alias}"

    def _try_it(self, command: tuple[str, ...]) -> str:
        return f"Try it by hand: sf {' '.join(command)} --target-org {self.alias}"


class _NoSuchCommand(Exception):
    """The CLI is older than the command."""


def _json_object(output: bytes) -> dict[str, Any] | None:
    """The JSON object in the output; a plug-in may have printed a line before it."""
    start = output.find(b"{")
    try:
        answer = orjson.loads(output[start:]) if start >= 0 else None
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None
